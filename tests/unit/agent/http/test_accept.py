"""Connections at the door: handshakes, names of clients, and how many at once."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import contextlib
import gc
import os
import pathlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable

import pytest
from structlog.testing import capture_logs

from agent.conditions import Conditions
from agent.http.accept import TURNED_AWAY, Acceptor
from agent.http.webconfig import WebConfig
from tests import certificates
from tests.certificates import Authority, Pair

pytestmark = pytest.mark.skipif(not certificates.HAVE, reason=certificates.MISSING)

TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
CLIENTS = f"{TLS}  client_ca_file: authority.pem\n  client_auth_type: RequireAndVerifyClientCert\n"


class Echo(asyncio.Protocol):
    """Answers what it is told, after a greeting."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"hello\n")

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Door:
    """One acceptor with a web configuration of its own, and clients for it."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.authority = Authority(str(directory))
        self.authority.issue("server", "DNS:localhost")
        self.room = True
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.setblocking(False)
        self.port = self.listening.getsockname()[1]
        self.config = WebConfig(f"{directory}/web.yml", Conditions())
        self.acceptor: Acceptor | None = None

    async def open(self, text: str, **options: float) -> None:
        self.write(text)
        await self.config.load()
        self.acceptor = Acceptor(self.listening, Echo, self.config, lambda: self.room, **options)

    def write(self, text: str) -> None:
        (self.directory / "new").write_text(text)
        os.rename(self.directory / "new", self.directory / "web.yml")

    async def greeted(self, pair: Pair | None = None, tls: bool = True) -> bytes | None:
        """The certificate of the server that a client is greeted by; raises when it is turned away."""
        context = ssl.create_default_context(cafile=self.authority.cert)
        if pair is not None:
            context.load_cert_chain(pair.cert, pair.key)
        async with asyncio.timeout(20):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1",
                self.port,
                ssl=context if tls else None,
                server_hostname="localhost" if tls else None,
            )
            try:
                writer.write(b"there\n")
                told = await reader.readexactly(12)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
        assert told == b"hello\nthere\n"
        shown = writer.get_extra_info("ssl_object")
        return shown.getpeercert(True) if shown is not None else None

    async def turned_away(self, pair: Pair | None = None, tls: bool = True) -> bool:
        try:
            await self.greeted(pair, tls)
        except (OSError, asyncio.IncompleteReadError):
            return True
        return False


@pytest.fixture
async def door(tmp_path: pathlib.Path) -> AsyncIterator[Door]:
    one = Door(tmp_path)
    yield one
    if one.acceptor is not None:
        await one.acceptor.stop()
    one.config.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_renewed_certificate_is_shown_to_the_next_connection(door: Door) -> None:
    await door.open(TLS)
    first = await door.greeted()
    assert await door.greeted() == first
    door.authority.issue("server", "DNS:localhost")
    second = await door.greeted()
    assert second is not None and second != first


async def test_tls_comes_with_the_file(door: Door) -> None:
    await door.open("http_server_config: {http2: false}\n")
    assert await door.greeted(tls=False) is None
    door.write(TLS)
    assert await door.greeted() is not None
    assert await door.turned_away(tls=False)
    door.write("http_server_config: {http2: false}\n")
    assert await door.greeted() is not None  # going away waits for a reload
    await door.config.load()
    assert await door.greeted(tls=False) is None


async def test_only_clients_with_a_certificate_of_the_authority(door: Door, tmp_path: pathlib.Path) -> None:
    await door.open(CLIENTS)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with capture_logs() as logs:
        assert await door.turned_away()
        assert await door.turned_away(Authority(str(elsewhere), "stranger").issue("client", "DNS:prometheus"))
        assert await door.greeted(door.authority.issue("client", "DNS:prometheus"))
    told = [one for one in logs if one["event"] == TURNED_AWAY]
    assert len(told) == 1 and "certificate" in told[0]["last"]


async def test_only_clients_with_an_allowed_name(door: Door) -> None:
    await door.open(f"{CLIENTS}  client_allowed_sans: [prometheus, 10.1.2.3, spiffe://x/y, a@b.example]\n")
    with capture_logs() as logs:
        assert await door.turned_away(door.authority.issue("other", "DNS:grafana", "DNS:prometheus.evil"))
        assert await door.turned_away(door.authority.issue("prometheus"))
    assert "grafana, prometheus.evil" in logs[0]["last"]
    for san in ("DNS:prometheus", "IP:10.1.2.3", "URI:spiffe://x/y", "email:a@b.example"):
        assert await door.greeted(door.authority.issue("client", "DNS:x", san))


async def test_nobody_is_let_in_without_room(door: Door) -> None:
    await door.open(TLS)
    door.room = False
    assert await door.turned_away()
    door.room = True
    assert await door.greeted()


async def test_handshakes_are_counted_and_end(door: Door) -> None:
    await door.open(TLS, handshake_limit=0.3)
    acceptor = door.acceptor
    assert acceptor is not None
    silent = [socket.create_connection(("127.0.0.1", door.port), 5) for _ in range(5)]
    await until(lambda: acceptor.handshakes == 5)
    assert await door.greeted()
    silent[0].close()
    await until(lambda: acceptor.handshakes == 0)
    for one in silent[1:]:
        one.settimeout(5)
        assert await asyncio.to_thread(one.recv, 1) == b""
        one.close()


async def test_what_speaks_no_tls_is_turned_away(door: Door) -> None:
    await door.open(TLS)
    with capture_logs() as logs:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), 20) == b""
        writer.close()
        await until(lambda: bool(logs))
    assert "HTTP_REQUEST" in logs[0]["last"]
    assert await door.greeted()


async def test_a_client_is_told_why_its_handshake_failed(door: Door) -> None:
    await door.open(CLIENTS)
    with pytest.raises(ssl.SSLError, match="TLSV13_ALERT_CERTIFICATE_REQUIRED"):
        await door.greeted()


async def test_stopping_closes_those_who_still_shake_hands(door: Door) -> None:
    await door.open(TLS)
    acceptor = door.acceptor
    assert acceptor is not None
    with socket.create_connection(("127.0.0.1", door.port), 5) as silent:
        await until(lambda: acceptor.handshakes == 1)
        await acceptor.stop()
        assert acceptor.handshakes == 0
        assert await asyncio.to_thread(silent.recv, 1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", door.port), 5)


def handshakes_in_memory() -> int:
    return sum(isinstance(one, asyncio.sslproto.SSLProtocol) for one in gc.get_objects())


async def test_a_failed_handshake_leaves_nothing_for_the_collector(door: Door) -> None:
    """Each has a buffer of 256 KiB, and the agent collects seldom."""
    await door.open(CLIENTS)
    context = ssl.create_default_context(cafile=door.authority.cert)

    def without_certificate() -> None:
        connection = socket.create_connection(("127.0.0.1", door.port), 20)
        with context.wrap_socket(connection, server_hostname="localhost") as shaken:
            shaken.recv(1)

    gc.collect()
    gc.disable()
    try:
        for first in (b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
            writer.write(first)
            writer.write_eof()
            assert await asyncio.wait_for(reader.read(), 20) == b""
            writer.close()
        with pytest.raises(ssl.SSLError):
            await asyncio.to_thread(without_certificate)
        await until(lambda: handshakes_in_memory() == 0)
    finally:
        gc.enable()
