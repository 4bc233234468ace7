"""The TLS of the listeners: an SSLContext made of the web configuration's `tls_server_config`.

Certificates and keys are read into memory files first, so that a key and its certificate are judged as they
were read, and inline ones need no file on a disk.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import stat
from collections.abc import Iterator

from agent.http.ciphers import CURVES, SUITES, SUITES_13, VERSIONS
from agent.http.handshake import ServerContext
from agent.http.webfile import Tls
from runtime.linux.errors import DeckwatchError

MAX_PEM = 1 << 20
# Go's defaults, for who asks for versions that need suites which OpenSSL's own default leaves out.
_OLD_SUITES = ("ECDHE+AESGCM", "ECDHE+CHACHA20", "ECDHE+AES", "!aNULL")


class TlsRefused(DeckwatchError):
    """A `tls_server_config` that cannot be served; `key` is the one to mend."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key
        self.message = message


def context_of(tls: Tls) -> ssl.SSLContext:
    """The context for new connections; raises TlsRefused. `tls` has passed `agent.http.webcheck`."""
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    _set_versions(context, tls)
    _set_suites(context, tls)
    if tls.curve_preferences:
        context.set_ecdh_curve(CURVES[tls.curve_preferences[0]])
    _load_pair(context, tls)
    if tls.client_auth_type in ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert"):
        _load_authorities(context, tls)
    return context


def _least(tls: Tls) -> str:
    """The lowest version: suites of TLS 1.3 alone leave nothing to the versions before."""
    only_13 = tls.cipher_suites and all(suite in SUITES_13 for suite in tls.cipher_suites)
    return "TLS13" if only_13 else tls.min_version


def _set_versions(context: ssl.SSLContext, tls: Tls) -> None:
    for name, there in (("TLS10", ssl.HAS_TLSv1), ("TLS11", ssl.HAS_TLSv1_1), ("TLS13", ssl.HAS_TLSv1_3)):
        if name in (tls.min_version, tls.max_version) and not there:
            raise TlsRefused("min_version", f"this host's OpenSSL has no {name}; choose another version")
    context.minimum_version = VERSIONS[_least(tls)]
    context.maximum_version = VERSIONS[tls.max_version]


def _set_suites(context: ssl.SSLContext, tls: Tls) -> None:
    if not tls.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    wanted = [SUITES[suite] for suite in tls.cipher_suites if suite in SUITES]
    # TLS before 1.2 signs with SHA-1, which OpenSSL 3 does at security level 0 only.
    old = _least(tls) in ("TLS10", "TLS11")
    if not wanted and not old:
        return
    try:
        context.set_ciphers(":".join((*(wanted or _OLD_SUITES), *(("@SECLEVEL=0",) if old else ()))))
    except ssl.SSLError:
        raise TlsRefused("cipher_suites", "this host's OpenSSL has none of them; choose others") from None
    there = {suite["name"] for suite in context.get_ciphers()}
    for name, suite in SUITES.items():
        if suite in wanted and suite not in there:
            raise TlsRefused("cipher_suites", f"this host's OpenSSL has no {name}; leave it out")


def _load_pair(context: ssl.SSLContext, tls: Tls) -> None:
    cert_key, cert = _pem("cert", tls.cert, tls.cert_file)
    key_key, key = _pem("key", tls.key, tls.key_file)
    if b"-----BEGIN CERTIFICATE-----" not in cert:
        raise TlsRefused(cert_key, "holds no certificate in PEM form")
    if b"PRIVATE KEY-----" not in key:
        raise TlsRefused(key_key, "holds no private key in PEM form")

    def no_password() -> bytes:
        raise TlsRefused(key_key, "is encrypted; store it in the clear, readable by this agent only")

    with _in_memory(cert) as cert_path, _in_memory(key) as key_path:
        try:
            context.load_cert_chain(cert_path, key_path, password=no_password)
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise TlsRefused(key_key, f"does not belong to the certificate of {cert_key}") from None
            raise TlsRefused(cert_key, f"cannot be used with {key_key}: {_why(error)}") from None


def _load_authorities(context: ssl.SSLContext, tls: Tls) -> None:
    key, authorities = _pem("client_ca", tls.client_ca, tls.client_ca_file)
    with _in_memory(authorities) as path:
        try:
            context.load_verify_locations(cafile=path)
        except ssl.SSLError as error:
            raise TlsRefused(key, f"holds no certificates in PEM form: {_why(error)}") from None
    # As in Go: every certificate of the file is trusted for itself, not only those that sign themselves.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_mode = ssl.CERT_REQUIRED if tls.requires_certificates else ssl.CERT_OPTIONAL


def _why(error: ssl.SSLError) -> str:
    return (error.reason or "unreadable").replace("_", " ").lower()


def _pem(name: str, inline: str, path: str) -> tuple[str, bytes]:
    """The key that the bytes come from, and the bytes."""
    return (name, inline.encode()) if inline else (f"{name}_file", _read(f"{name}_file", path))


def _read(key: str, path: str) -> bytes:
    """A regular file's bytes; a pipe in its place must not hold the one who reads it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise TlsRefused(key, f"{path} is no ordinary file")
            with open(descriptor, "rb", closefd=False) as file:
                data = file.read(MAX_PEM + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise TlsRefused(key, f"{path} cannot be read: {error.strerror}") from None
    if len(data) > MAX_PEM:
        raise TlsRefused(key, f"{path} is larger than {MAX_PEM >> 20} MiB")
    return data


@contextlib.contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    """A path under which a library that wants files finds some bytes."""
    descriptor = os.memfd_create("pem", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        yield f"/proc/self/fd/{descriptor}"
