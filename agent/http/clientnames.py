"""Names in a client's certificate, as `client_allowed_sans` lists them."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from typing import Any

_KINDS = ("DNS", "email", "URI", "IP Address")


def names_of(certificate: Mapping[str, Any]) -> list[str]:
    """DNS, e-mail, URI and IP names of a verified certificate, in the form of `SSLSocket.getpeercert()`."""
    found = certificate.get("subjectAltName", ())
    return [canonical(value) if kind == "IP Address" else value for kind, value in found if kind in _KINDS]


def canonical(text: str) -> str:
    """An IP address in its shortest form; any other text as it is."""
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        return text


def is_allowed(certificate: Mapping[str, Any], allowed: Collection[str] | None) -> bool:
    """Whether a certificate has one of the names, exactly; with no list every verified one will do."""
    if not certificate:
        return False
    if allowed is None:
        return True
    return not {canonical(one) for one in allowed}.isdisjoint(names_of(certificate))
