"""The keys that all sinks over HTTP have in common. Secrets stand in files, never in the settings."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from agent.config.types import Path, Section
from agent.shipping.compress import Compression
from agent.shipping.sink import SinkSettings


class BasicAuth(Section, frozen=True):
    """A user and where the password stands."""

    username: str = ""
    """The user."""
    password_file: Path = ""
    """File that holds the password; read again when it changes. White space at its end does not count."""


class ClientTls(Section, frozen=True):
    """How the peer is verified, and this agent to the peer. Files are read again when they change."""

    ca_file: Path = ""
    """Certificates (PEM) of the authorities that the peer's certificate may come from. Empty: the system's."""
    cert_file: Path = ""
    """This agent's certificate (PEM)."""
    key_file: Path = ""
    """The certificate's key (PEM)."""
    server_name: str = ""
    """Name in the peer's certificate, when it is not the one in `url`."""
    insecure_skip_verify: bool = False
    """Take any certificate: whoever sits between reads along."""


class HttpSettings(SinkSettings, frozen=True, kw_only=True):
    """The keys of every sink over HTTP."""

    url: str
    """Where the peer is: `http://` or `https://`."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    """Further headers of each request. Their values are not shown by `config show`."""
    basic_auth: BasicAuth | None = None
    """User and password; not together with `bearer_token_file`."""
    bearer_token_file: Path = ""
    """File that holds a token, sent as `Authorization: Bearer`; read again when it changes."""
    tls: ClientTls = ClientTls()
    """Certificates, for `https://`."""
    compression: Compression = "gzip"
    """How bodies are compressed: `gzip`, `zstd` or `none`."""

    def __post_init__(self) -> None:
        address = urlsplit(self.url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("url must begin with http:// or https:// and name a host")
        if address.username is not None or address.password is not None:
            raise ValueError("url must not hold a password; use basic_auth with password_file")
        if self.basic_auth and self.bearer_token_file:
            raise ValueError("basic_auth and bearer_token_file exclude each other")
        if self.basic_auth and not (self.basic_auth.username and self.basic_auth.password_file):
            raise ValueError("basic_auth needs username and password_file")
        if bool(self.tls.cert_file) != bool(self.tls.key_file):
            raise ValueError("tls.cert_file and tls.key_file need each other")
        for name, value in self.headers.items():
            if not name or any(ord(sign) < 33 or sign in ":\x7f" for sign in name) or not name.isascii():
                raise ValueError(f"headers: {name!r} is no name of a header")
            if any(sign in "\r\n\0" for sign in value):
                raise ValueError(f"headers: the value of {name} must be one line")

    def at(self, path: str) -> str:
        """The URL with `path` behind it, unless it ends so already."""
        base = self.url.rstrip("/")
        return base if base.endswith(path) else base + path
