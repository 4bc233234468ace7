"""One peer over TCP or TLS: a connection that is kept, and what became of what was written to it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import sys
import termios
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from agent.shipping.http_secrets import Certificates, SecretUnreadable
from agent.shipping.http_settings import ClientTls
from agent.shipping.sink import Again, SinkSettings, Verdict

_ESTABLISHED = 1  # TCP_ESTABLISHED of net/tcp_states.h
_PIECE = 64 * 1024
_SETTLE = 0.1
_WHY = 300
_CLOSE = 1.0


class TcpSettings(SinkSettings, frozen=True, kw_only=True):
    """The keys of every sink over TCP."""

    address: str
    """Host and port of the peer, such as `logs.example:6514` or `[::1]:6514`."""
    tls: ClientTls | None = None
    """Certificates; `{}` is TLS with the system's authorities. Without this key nothing is encrypted."""

    def __post_init__(self) -> None:
        self.host_and_port()
        if self.tls and bool(self.tls.cert_file) != bool(self.tls.key_file):
            raise ValueError("tls.cert_file and tls.key_file need each other")

    def host_and_port(self) -> tuple[str, int]:
        """The address taken apart. Raises ValueError."""
        try:
            parts = urlsplit(f"//{self.address}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if not host or not port or parts.netloc != self.address or "@" in self.address:
            raise ValueError(f"address must be host:port, not {self.address!r}")
        return host, port


class Connection:
    """An open connection. `raw` is the transport below TLS, whose buffer counts, too."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: asyncio.WriteTransport
    ) -> None:
        self.reader = reader
        self._writer = writer
        self._raw = raw
        self._socket: socket.socket = raw.get_extra_info("socket")

    @property
    def alive(self) -> bool:
        """Whether neither side has closed or reset it, as the kernel has it now."""
        if self._raw.is_closing() or self._writer.transport.is_closing() or self.reader.at_eof():
            return False
        return self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _ESTABLISHED

    async def write(self, data: bytes) -> None:
        """Hand bytes to the kernel, at the peer's pace. Raises OSError."""
        for start in range(0, len(data), _PIECE):
            self._writer.write(data[start : start + _PIECE])
            await self._writer.drain()
            await asyncio.sleep(0)

    async def acknowledged(self) -> None:
        """Wait until the peer's kernel has everything that was written. Raises ConnectionError.

        `SIOCOUTQ` counts what the peer has not acknowledged, see tcp(7).
        """
        pause = 0.001
        while self._unacknowledged():
            if not self.alive:
                raise ConnectionResetError("the peer closed the connection")
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.05)
        await asyncio.sleep(0)
        if not self.alive:
            raise ConnectionResetError("the peer closed the connection")

    async def settled(self, seconds: float = _SETTLE) -> None:
        """Wait whether the peer turns the new connection down. Raises ConnectionError.

        In TLS 1.3 a client hears only after its handshake that the peer does not take its certificate.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                if not await self.reader.read(1):
                    raise ConnectionResetError("the peer closed the connection at once")

    def abort(self) -> None:
        """Close without sending what waits."""
        self._writer.transport.abort()
        self._raw.abort()

    async def close(self) -> None:
        """Close in good order, within a limit."""
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE):
                await self._writer.wait_closed()
        self._raw.abort()

    def _unacknowledged(self) -> int:
        waiting = self._raw.get_write_buffer_size() + self._writer.transport.get_write_buffer_size()
        if waiting or self._raw.is_closing():
            return waiting + 1
        answer = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, bytes(4))
        return int.from_bytes(answer, sys.byteorder)


async def connected(settings: TcpSettings, certificates: Certificates | None) -> Connection:
    """A new connection. Raises OSError, SecretUnreadable."""
    host, port = settings.host_and_port()
    context = certificates.context() if certificates else None
    reader, writer = await asyncio.open_connection(host, port)
    raw = writer.transport
    connection = Connection(reader, writer, raw)
    try:
        plain: socket.socket = raw.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(settings.timeout * 1000))
        raw.set_write_buffer_limits(0)
        if context and settings.tls:
            await writer.start_tls(context, server_hostname=settings.tls.server_name or host)
            # With a limit of 0 asyncio's TLS never lets a writer go on: it stops at what reaches the limit.
            writer.transport.set_write_buffer_limits(1, 0)
    except BaseException:
        connection.abort()
        raise
    return connection


class TcpClient:
    """Keeps one connection to the peer. `greet` is what happens on a new one before anything is sent."""

    def __init__(self, settings: TcpSettings, greet: Callable[[Connection], Awaitable[None]]) -> None:
        self._settings = settings
        self._greet = greet
        self._certificates = Certificates(settings.tls) if settings.tls else None
        self._connection: Connection | None = None

    async def attempt(self, exchange: Callable[[Connection], Awaitable[Verdict]]) -> Verdict:
        """Make an exchange over the connection, within the time limit. One that fails closes it: Again says why."""
        try:
            async with asyncio.timeout(self._settings.timeout):
                connection = await self._open()
                return await exchange(connection)
        except TimeoutError:
            why = f"no answer within {self._settings.timeout:g} s"
        except (OSError, EOFError, ValueError, SecretUnreadable) as error:
            why = str(error) if isinstance(error, SecretUnreadable) else f"{type(error).__name__}: {error}"
        except BaseException:
            self._abort()
            raise
        self._abort()
        return Again(f"{self._settings.address}: {why}"[:_WHY])

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _open(self) -> Connection:
        await asyncio.sleep(0)  # what the peer did meanwhile is noticed now
        if self._connection is not None and not self._connection.alive:
            self._abort()
        if self._connection is None:
            self._connection = await connected(self._settings, self._certificates)
            await self._greet(self._connection)
        return self._connection

    def _abort(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()
