"""Bounds on connections: those beyond the limit, and those that never ask, do not keep a place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

FIRST_REQUEST = 30.0
_BODY = (
    b'{"type":"about:blank","title":"Service Unavailable","status":503,'
    b'"message":"too many connections are open; close some or raise server.max_connections"}'
)
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
    b"Retry-After: 1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(_BODY)
) + _BODY


class Refusal(asyncio.Protocol):
    """Says that there is no place, and closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(REFUSAL)
        transport.close()


class Limiter:
    """Counts the connections of several HTTP servers together.

    A connection that has not sent a whole request within `first_request` seconds is closed; later ones
    are under the server's own keep-alive timeout.
    """

    def __init__(self, most: int, *, first_request: float = FIRST_REQUEST) -> None:
        self.most = most
        self.refused = 0
        self._first_request = first_request
        self._servers: list[web.Server] = []
        self._silent: dict[web.RequestHandler, asyncio.TimerHandle] = {}

    @property
    def open(self) -> int:
        """Connections at present."""
        return sum(len(server.connections) for server in self._servers)

    def admit(self, server: web.Server) -> Callable[[], asyncio.BaseProtocol]:
        """What makes the protocol of each new connection to a server."""
        self._servers.append(server)
        loop = asyncio.get_running_loop()

        def protocol() -> asyncio.BaseProtocol:
            if self.open >= self.most:
                self.refused += 1
                return Refusal()
            made = server()
            self._silent[made] = loop.call_later(self._first_request, self._close, made)
            return made

        return protocol

    def asked(self, request: web.BaseRequest) -> None:
        """A whole request came over this request's connection."""
        timer = self._silent.pop(request.protocol, None)
        if timer is not None:
            timer.cancel()

    def _close(self, silent: web.RequestHandler) -> None:
        self._silent.pop(silent, None)
        silent.force_close()

    def forget(self, server: web.Server) -> None:
        """The server has ended."""
        if server in self._servers:
            self._servers.remove(server)
