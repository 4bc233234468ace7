"""Contexts made of `tls_server_config`, by real handshakes in memory."""

from __future__ import annotations

import os
import pathlib
import ssl
import subprocess

import pytest

from agent.http.tls import TlsRefused, context_of
from agent.http.webfile import Tls
from tests import certificates
from tests.certificates import Authority, Pair

pytestmark = pytest.mark.skipif(not certificates.HAVE, reason=certificates.MISSING)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(str(tmp_path_factory.mktemp("authority")))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Pair:
    return authority.issue("server", "DNS:localhost")


def settings(server: Pair, **more: object) -> Tls:
    return Tls(**{"cert_file": server.cert, "key_file": server.key} | more)  # type: ignore[arg-type]


def client(authority: Authority, pair: Pair | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.cert)
    if pair is not None:
        context.load_cert_chain(pair.cert, pair.key)
    return context


def shake(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both ends after a handshake; raises what the end that refuses it raises."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
    )
    open_ends = list(ends)
    for _ in range(10):
        for end in list(open_ends):
            try:
                end.do_handshake()
                open_ends.remove(end)
            except ssl.SSLWantReadError:
                pass
        if not open_ends:
            return ends
    raise AssertionError("no end of the handshake")


def test_a_pair_of_files_and_one_in_the_file_itself(authority: Authority, server: Pair) -> None:
    _, seen = shake(context_of(settings(server)), client(authority))
    assert seen.version() == "TLSv1.3"
    inline = Tls(cert=pathlib.Path(server.cert).read_text(), key=pathlib.Path(server.key).read_text())
    _, again = shake(context_of(inline), client(authority))
    assert again.getpeercert(True) == seen.getpeercert(True)


def test_who_offers_http2_gets_http1(authority: Authority, server: Pair) -> None:
    offering = client(authority)
    offering.set_alpn_protocols(["h2", "http/1.1"])
    assert shake(context_of(settings(server)), offering)[1].selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("version", ["TLS12", "TLS13"])
def test_the_versions_are_those_of_the_file(authority: Authority, server: Pair, version: str) -> None:
    context = context_of(settings(server, min_version=version, max_version=version))
    assert shake(context, client(authority))[1].version() == f"TLSv1.{version[-1]}"
    other = client(authority)
    other.minimum_version = other.maximum_version = (
        ssl.TLSVersion.TLSv1_3 if version == "TLS12" else ssl.TLSVersion.TLSv1_2
    )
    with pytest.raises(ssl.SSLError):
        shake(context, other)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.skipif(not ssl.HAS_TLSv1, reason="this OpenSSL has no TLS 1.0")
def test_old_versions_work_when_they_are_asked_for_and_only_then(authority: Authority, server: Pair) -> None:
    old = client(authority)
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("ECDHE+AES:@SECLEVEL=0")
    assert shake(context_of(settings(server, min_version="TLS10")), old)[1].version() == "TLSv1"
    with pytest.raises(ssl.SSLError):
        shake(context_of(settings(server)), old)


def test_the_suites_are_those_of_the_file(authority: Authority, server: Pair) -> None:
    wanted = ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
    limited = client(authority)
    limited.maximum_version = ssl.TLSVersion.TLSv1_2
    context = context_of(settings(server, cipher_suites=wanted))
    chosen = shake(context, limited)[1].cipher()
    assert chosen is not None and chosen[0] == "ECDHE-ECDSA-CHACHA20-POLY1305"
    limited.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305")
    theirs = context_of(settings(server, cipher_suites=wanted, prefer_server_cipher_suites=False))
    chosen = shake(theirs, limited)[1].cipher()
    assert chosen is not None and chosen[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    limited.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError):
        shake(context, limited)


def test_suites_of_tls_13_alone_leave_nothing_to_tls_12(authority: Authority, server: Pair) -> None:
    suites = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
    context = context_of(settings(server, cipher_suites=suites))
    assert shake(context, client(authority))[1].version() == "TLSv1.3"
    limited = client(authority)
    limited.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        shake(context, limited)


@pytest.mark.parametrize("curve", ["CurveP384", "CurveP521", "X25519"])
def test_the_curve_is_the_only_one(authority: Authority, server: Pair, curve: str) -> None:
    context = context_of(settings(server, curve_preferences=(curve,)))
    shake(context, client(authority))
    other = client(authority)
    other.set_ecdh_curve("prime256v1")
    with pytest.raises(ssl.SSLError):
        shake(context, other)


def test_a_client_certificate_is_required(authority: Authority, server: Pair, tmp_path: pathlib.Path) -> None:
    required = settings(server, client_auth_type="RequireAndVerifyClientCert", client_ca_file=authority.cert)
    mine = authority.issue("client", "DNS:prometheus")
    seen, _ = shake(context_of(required), client(authority, mine))
    certificate = seen.getpeercert()
    assert certificate is not None and certificate["subjectAltName"] == (("DNS", "prometheus"),)
    stranger = Authority(str(tmp_path), "stranger").issue("client", "DNS:prometheus")
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        shake(context_of(required), client(authority))
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        shake(context_of(required), client(authority, stranger))


def test_a_client_certificate_is_verified_if_given(
    authority: Authority, server: Pair, tmp_path: pathlib.Path
) -> None:
    inline = pathlib.Path(authority.cert).read_text()
    context = context_of(settings(server, client_auth_type="VerifyClientCertIfGiven", client_ca=inline))
    assert not shake(context, client(authority))[0].getpeercert()
    assert shake(context, client(authority, authority.issue("client")))[0].getpeercert()
    stranger = Authority(str(tmp_path), "stranger").issue("client")
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        shake(context, client(authority, stranger))


def test_a_certificate_of_the_list_is_trusted_for_itself(authority: Authority, server: Pair) -> None:
    """As in Go: the list may name the client's own certificate, which no other vouches for."""
    mine = authority.issue("pinned")
    pinned = settings(server, client_auth_type="RequireAndVerifyClientCert", client_ca_file=mine.cert)
    assert shake(context_of(pinned), client(authority, mine))[0].getpeercert()


def test_what_cannot_be_served_names_the_key(
    authority: Authority, server: Pair, tmp_path: pathlib.Path
) -> None:
    other = authority.issue("other")
    text = tmp_path / "text"
    text.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    encrypted = tmp_path / "encrypted"
    command = ["openssl", "ec", "-aes128", "-passout", "pass:abcd", "-in", server.key, "-out", str(encrypted)]
    subprocess.run(command, check=True, capture_output=True)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    large = tmp_path / "large"
    large.write_bytes(b"x" * (1 << 21))
    for change, key, words in (
        ({"cert_file": "/nowhere/c.pem"}, "cert_file", "/nowhere/c.pem cannot be read: No such file"),
        ({"key_file": str(tmp_path)}, "key_file", "is no ordinary file"),
        ({"key_file": str(fifo)}, "key_file", "is no ordinary file"),
        ({"key_file": str(large)}, "key_file", "is larger than 1 MiB"),
        ({"cert_file": server.key}, "cert_file", "holds no certificate in PEM form"),
        ({"cert_file": str(text)}, "cert_file", "cannot be used with key_file"),
        ({"key_file": server.cert}, "key_file", "holds no private key in PEM form"),
        ({"key_file": other.key}, "key_file", "does not belong to the certificate of cert_file"),
        ({"key_file": str(encrypted)}, "key_file", "is encrypted"),
        ({"key_file": "", "key": "x"}, "key", "holds no private key"),
        (
            {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": server.key},
            "client_ca_file",
            "holds no certificates in PEM form",
        ),
    ):
        with pytest.raises(TlsRefused) as caught:
            context_of(settings(server, **change))
        assert caught.value.key == key
        assert words in caught.value.message
