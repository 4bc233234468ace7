"""The handshake of the Forward protocol with a shared key: HELO, PING, PONG.

Specification: Fluentd's Forward Protocol Specification v1, "Handshake Messages".
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, NamedTuple

import msgspec

from agent.shipping.msgpack_stream import read_value
from agent.shipping.tcp import Connection

_SALT = 16


class Credentials(NamedTuple):
    """What proves who we are: this host's name, the shared key, and a user if the peer wants one."""

    hostname: str
    shared_key: str
    username: str = ""
    password: str = ""


async def shake_hands(connection: Connection, own: Credentials) -> None:
    """Prove the key to the peer and have it proven. Raises ConnectionError with the reason, ValueError."""
    options = _message(await read_value(connection.reader), b"HELO", 2)[1]
    if not isinstance(options, dict):
        raise ValueError("the peer's HELO has no options")
    nonce, auth = _bytes(options.get(b"nonce", b"")), _bytes(options.get(b"auth", b""))
    salt = secrets.token_hex(_SALT).encode()
    name, key = own.hostname.encode(), own.shared_key.encode()
    password = digest(auth, own.username.encode(), own.password.encode()) if auth else ""
    ping = ("PING", own.hostname, salt.decode(), digest(salt, name, nonce, key), own.username, password)
    await connection.write(msgspec.msgpack.encode(ping))
    _check(_message(await read_value(connection.reader), b"PONG", 5), salt, nonce, own)


def digest(*parts: bytes) -> str:
    """SHA-512 of the parts behind each other, in hexadecimal."""
    return hashlib.sha512(b"".join(parts)).hexdigest()


def _check(pong: list[Any], salt: bytes, nonce: bytes, own: Credentials) -> None:
    _, welcome, reason, hostname, proof = pong
    if welcome is not True:
        raise ConnectionRefusedError(f"the peer refused us: {_bytes(reason).decode('utf-8', 'replace')!r}")
    name = _bytes(hostname)
    if name == own.hostname.encode():
        raise ConnectionRefusedError("the peer has this host's own name: it sends back what it is sent")
    if not secrets.compare_digest(_bytes(proof), digest(salt, name, nonce, own.shared_key.encode()).encode()):
        raise ConnectionRefusedError("the peer does not know the shared key")


def _message(value: Any, kind: bytes, size: int) -> list[Any]:
    if not isinstance(value, list) or len(value) != size or value[0] != kind:
        raise ValueError(f"the peer sent no {kind.decode()}; is a shared key set there?")
    return value


def _bytes(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("the peer sent another type than a text")
    return value
