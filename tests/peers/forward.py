"""A peer of the Forward protocol v1, written after its specification: keeps the events, acknowledges chunks."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import os
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import msgspec

from agent.shipping.msgpack_stream import read_value

_MOST = 1 << 28


class Event(NamedTuple):
    """One event: `time` in ns."""

    tag: str
    time: int
    record: dict[str, Any]


class ForwardPeer:
    """`events` are those acknowledged. `answer` makes the acknowledgement of a chunk, or None for none;
    `shared_key` asks for the handshake, `users` for a user and password, too."""

    def __init__(self, shared_key: str = "", users: dict[str, str] | None = None) -> None:
        self.shared_key = shared_key
        self.users = users or {}
        self.hostname = "receiver"
        self.events: list[Event] = []
        self.options: list[dict[str, Any]] = []
        self.greeted: list[str] = []
        self.connections = 0
        self.keepalive = True
        self.answer: Callable[[str], Any] = lambda chunk: {"ack": chunk}
        self.proof_key = shared_key
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends."""
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError), contextlib.closing(writer):
            if self.shared_key and not await self._shake_hands(reader, writer):
                return
            while True:
                tag, packed, option = await read_value(reader, _MOST)
                found = {name.decode(): value for name, value in option.items()}
                chunk = found["chunk"].decode()
                reply = self.answer(chunk)
                if reply is None:
                    continue
                self._store(tag.decode(), packed, found)
                writer.write(msgspec.msgpack.encode(reply))
                await writer.drain()
                if not self.keepalive:
                    return

    def _store(self, tag: str, packed: bytes, option: dict[str, Any]) -> None:
        self.options.append(option)
        if "compressed" in option:
            assert option["compressed"] == b"gzip"
            packed = gzip.decompress(packed)
        # The entries stand behind each other: with a head for so many they are one array.
        head = b"\xdd" + option["size"].to_bytes(4, "big")
        for time, record in msgspec.msgpack.decode(head + packed):
            assert isinstance(time, msgspec.msgpack.Ext)
            assert time.code == 0
            seconds, rest = struct.unpack(">II", time.data)
            self.events.append(Event(tag, seconds * 10**9 + rest, record))

    async def _shake_hands(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        nonce, auth = os.urandom(16), os.urandom(16) if self.users else b""
        helo = ("HELO", {"nonce": nonce, "auth": auth, "keepalive": self.keepalive})
        writer.write(msgspec.msgpack.encode(helo))
        kind, hostname, salt, proof, user, password = await read_value(reader)
        assert kind == b"PING"
        self.greeted.append(hostname.decode())
        reason = ""
        if proof != _digest(salt, hostname, nonce, self.shared_key.encode()):
            reason = "shared_key mismatch"
        elif self.users:
            secret = self.users.get(user.decode(), "")
            if not secret or password != _digest(auth, user, secret.encode()):
                reason = "username/password mismatch"
        name = self.hostname.encode()
        own = _digest(salt, name, nonce, self.proof_key.encode()).decode()
        pong = ("PONG", not reason, reason, self.hostname, "" if reason else own)
        writer.write(msgspec.msgpack.encode(pong))
        await writer.drain()
        return not reason


def _digest(*parts: bytes) -> bytes:
    return hashlib.sha512(b"".join(parts)).hexdigest().encode()


@contextlib.asynccontextmanager
async def forwarding(peer: ForwardPeer, tls: ssl.SSLContext | None = None) -> AsyncIterator[ForwardPeer]:
    """The peer on a port of its own."""
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=tls)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
