"""A password or shared key from its file."""

from __future__ import annotations

from agent.shipping.http_secrets import Authorization


def password_of(path: str) -> str:
    """What stands in the file now, without white space at its end; empty without a path. Raises SecretUnreadable."""
    return (Authorization(None, path).value() or "").removeprefix("Bearer ")
