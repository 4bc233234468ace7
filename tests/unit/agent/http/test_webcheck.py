"""Web configuration files as people write them, right and wrong."""

from __future__ import annotations

import pathlib

import pytest

from agent.http.webcheck import WebConfigError, locate, read

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
TLS = "tls_server_config:\n  cert_file: c.pem\n  key_file: k.pem\n"
COMPLETE = f"""
tls_server_config:
  cert_file: server.crt
  key_file: /etc/key.pem
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ../ca.crt
  client_allowed_sans: [prometheus.example, 10.0.0.1]
  min_version: TLS12
  max_version: TLS13
  cipher_suites:
    - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    - TLS_AES_128_GCM_SHA256
    - TLS_AES_256_GCM_SHA384
    - TLS_CHACHA20_POLY1305_SHA256
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP256]
http_server_config:
  http2: true
  headers:
    Content-Security-Policy: default-src 'self'
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    X-XSS-Protection:
    Strict-Transport-Security: max-age=31536000
basic_auth_users:
  alice: {HASH}
  "0": {HASH.replace("$2y", "$2a")}
rate_limit:
  interval: 100ms
  burst: 20
"""


def written(path: pathlib.Path, text: str) -> str:
    file = path / "web.yml"
    file.write_text(text)
    return str(file)


def test_a_complete_file(tmp_path: pathlib.Path) -> None:
    file, tree = read(written(tmp_path, COMPLETE))
    assert file.tls is not None
    assert file.tls.files == (f"{tmp_path}/server.crt", "/etc/key.pem", f"{tmp_path.parent}/ca.crt")
    assert file.tls.client_allowed_sans == ("prometheus.example", "10.0.0.1")
    assert set(file.basic_auth_users) == {"alice", "0"}
    assert file.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert (file.rate_limit.interval, file.rate_limit.burst) == (0.1, 20)
    assert locate(tree, ("rate_limit", "burst")).line == 30
    assert locate(tree, ("rate_limit", "nothing")).line == locate(tree, ("rate_limit",)).line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tls_server_confg: {}", "1: tls_server_confg: unknown key; did you mean tls_server_config?"),
        (
            f"{TLS}  min_vresion: TLS13",
            "4: tls_server_config.min_vresion: unknown key; did you mean min_version?",
        ),
        (
            f"{TLS}  min_version: TLS14",
            "4: tls_server_config.min_version: expected TLS10, TLS11, TLS12 or TLS13",
        ),
        (
            f"{TLS}  min_version: TLS13\n  max_version: TLS12",
            "4: tls_server_config.min_version: TLS13 is above",
        ),
        ("tls_server_config: {min_version: TLS13}", "1: tls_server_config: needs cert_file or cert"),
        ("tls_server_config:\n  cert_file: x", "tls_server_config: needs key_file or key"),
        (f"{TLS}  cert: x", "4: tls_server_config.cert: stands beside cert_file"),
        (f"{TLS}  client_auth_type: RequireAnyClientCert", "use RequireAndVerifyClientCert"),
        (f"{TLS}  client_auth_type: RequireClientCert", "use RequireAndVerifyClientCert"),
        (f"{TLS}  client_auth_type: RequestClientCert", "use VerifyClientCertIfGiven or NoClientCert"),
        (f"{TLS}  client_auth_type: RequireEverything", "4: tls_server_config.client_auth_type: expected"),
        (f"{TLS}  client_auth_type: RequireAndVerifyClientCert", "needs client_ca_file or client_ca"),
        (f"{TLS}  client_ca_file: a.pem", "client_ca_file: has no use without client_auth_type"),
        (f"{TLS}  client_allowed_sans: [a]", "client_allowed_sans: needs client_auth_type: RequireAndVerify"),
        (f"{TLS}  client_allowed_sans: []", "client_allowed_sans: is empty, so that nobody would come in"),
        (f"{TLS}  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]", "there is no suite 'TLS_RSA_WITH_RC4_128_SHA'"),
        (
            f"{TLS}  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA265]",
            "did you mean TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256?",
        ),
        (f"{TLS}  cipher_suites: [TLS_AES_128_GCM_SHA256]", "cannot be chosen one by one here; name all of"),
        (
            f"{TLS}  max_version: TLS12\n"
            "  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256]",
            "has suites of TLS 1.3 alone, but max_version is TLS12",
        ),
        (f"{TLS}  curve_preferences: [X25519, CurveP256]", "more than one curve cannot be chosen here"),
        (
            f"{TLS}  curve_preferences: [P256]",
            "4: tls_server_config.curve_preferences[0]: expected CurveP256",
        ),
        (
            "http_server_config:\n headers:\n  X-Powered-By: me",
            "3: http_server_config.headers.X-Powered-By: cannot",
        ),
        ("http_server_config:\n headers:\n  X-Frame-Option: deny", "did you mean X-Frame-Options?"),
        ("http_server_config: {headers: {X-Frame-Options: DENY}}", "use deny or sameorigin"),
        ('http_server_config: {headers: {X-XSS-Protection: "1\\r\\nA: b"}}', "printable ASCII only"),
        ("http_server_config: {http2: perhaps}", "1: http_server_config.http2: expected true or false"),
        ("basic_auth_users:\n  alice: hunter2", "2: basic_auth_users.alice: is no bcrypt hash"),
        ("basic_auth_users:\n  a.b: hunter2", "2: basic_auth_users.a.b: is no bcrypt hash"),
        (f"basic_auth_users: {{alice: {HASH.replace('$10$', '$18$')}}}", "has cost 18, not 4 to 16"),
        (f"basic_auth_users: {{alice: {HASH.replace('$2y', '$2x')}}}", "is no bcrypt hash"),
        (f"basic_auth_users: {{alice: {HASH.replace('zoub', 'zozb')}}}", "is no bcrypt hash"),
        (f"basic_auth_users: {{'a:b': {HASH}}}", "cannot be empty or hold a colon"),
        ("rate_limit: {interval: 1s}", "rate_limit.burst: must be 1 or more"),
        ("rate_limit: {interval: 1, burst: 1}", "rate_limit.interval: needs its unit"),
        ("rate_limit: {interval: soon, burst: 1}", "rate_limit.interval: 'soon' is no duration"),
        ("a: [", "no valid YAML"),
        ("", "web.yml: is empty"),
        ("# a comment alone\n", "is empty; it needs one of tls_server_config, http_server_config"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_key(tmp_path: pathlib.Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(WebConfigError) as caught:
        read(path)
    assert str(caught.value).startswith(path)
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_everything_at_once(tmp_path: pathlib.Path) -> None:
    with pytest.raises(WebConfigError) as caught:
        read(written(tmp_path, f"{TLS}  client_ca: x\nbasic_auth_users: {{a: b, c: d}}\nrate_limt: {{}}\n"))
    assert len(str(caught.value).splitlines()) == 4


def test_a_file_that_is_not_there(tmp_path: pathlib.Path) -> None:
    with pytest.raises(WebConfigError, match="cannot be read: No such file or directory"):
        read(f"{tmp_path}/web.yml")


def test_a_rate_limit_of_zero_is_none(tmp_path: pathlib.Path) -> None:
    file, _ = read(written(tmp_path, "rate_limit: {interval: 0, burst: 0}"))
    assert file.rate_limit.interval == 0
