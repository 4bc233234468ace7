"""The web configuration as values."""

from __future__ import annotations

from agent.http.webfile import Http, Tls, WebFile


def test_defaults_are_the_toolkits() -> None:
    tls = Tls()
    assert (tls.min_version, tls.max_version) == ("TLS12", "TLS13")
    assert (tls.client_auth_type, tls.prefer_server_cipher_suites) == ("NoClientCert", True)
    assert Http().http2


def test_an_empty_section_is_plain_http() -> None:
    assert WebFile().tls is None
    assert WebFile(tls_server_config=Tls()).tls is None
    assert WebFile(tls_server_config=Tls(min_version="TLS13")).tls is not None


def test_who_must_show_a_certificate() -> None:
    for kind, required in (
        ("NoClientCert", False),
        ("VerifyClientCertIfGiven", False),
        ("RequireAndVerifyClientCert", True),
    ):
        file = WebFile(tls_server_config=Tls(cert="x", client_auth_type=kind))  # type: ignore[arg-type]
        assert file.requires_certificates is required


def test_files_and_headers_that_are_set() -> None:
    assert Tls(cert_file="/c", key="inline", client_ca_file="/a").files == ("/c", "/a")
    headers = {"X-Frame-Options": "deny", "Content-Security-Policy": "", "X-XSS-Protection": None}
    assert WebFile(http_server_config=Http(headers=headers)).headers == {"X-Frame-Options": "deny"}
