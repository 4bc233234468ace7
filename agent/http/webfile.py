"""The web configuration file of Prometheus' exporter-toolkit: its keys, with their defaults.

The format is that of exporter-toolkit's docs/web-configuration.md; `agent.http.webcheck` says what a
file may not hold although its types are right.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from agent.config.types import Duration, Path, Section

Version = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
Curve = Literal["CurveP256", "CurveP384", "CurveP521", "X25519"]
ClientAuth = Literal[
    "",
    "NoClientCert",
    "RequestClientCert",
    "RequireAnyClientCert",
    "RequireClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
]


class Tls(Section, frozen=True):
    """`tls_server_config`. An empty text counts as left out."""

    cert: str = ""
    key: str = ""
    client_ca: str = ""
    cert_file: Path = ""
    key_file: Path = ""
    client_ca_file: Path = ""
    client_auth_type: ClientAuth = "NoClientCert"
    client_allowed_sans: tuple[str, ...] | None = None
    cipher_suites: tuple[str, ...] = ()
    curve_preferences: tuple[Curve, ...] = ()
    min_version: Version = "TLS12"
    max_version: Version = "TLS13"
    prefer_server_cipher_suites: bool = True

    @property
    def requires_certificates(self) -> bool:
        """Whether nobody comes in without a certificate that was verified."""
        return self.client_auth_type == "RequireAndVerifyClientCert"

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the files it names."""
        return tuple(path for path in (self.cert_file, self.key_file, self.client_ca_file) if path)


class Http(Section, frozen=True):
    """`http_server_config`. HTTP/2 is an offer that this server never takes up; null unsets a header."""

    http2: bool = True
    headers: dict[str, str | None] = msgspec.field(default_factory=dict)


class RateLimit(Section, frozen=True):
    """`rate_limit`: one request per `interval`, `burst` at once; interval 0 is no limit."""

    interval: Duration = 0.0
    burst: Annotated[int, msgspec.Meta(ge=0)] = 0


class WebFile(Section, frozen=True):
    """The whole file."""

    tls_server_config: Tls | None = None
    http_server_config: Http = Http()
    basic_auth_users: dict[str, str] = msgspec.field(default_factory=dict)
    rate_limit: RateLimit = RateLimit()

    @property
    def tls(self) -> Tls | None:
        """What TLS is served with; None for plain HTTP, also when the section is there but empty."""
        return None if self.tls_server_config == Tls() else self.tls_server_config

    @property
    def headers(self) -> dict[str, str]:
        """Headers for every answer."""
        return {name: value for name, value in self.http_server_config.headers.items() if value}

    @property
    def requires_certificates(self) -> bool:
        """Whether nobody comes in without a certificate that was verified."""
        return self.tls is not None and self.tls.requires_certificates
