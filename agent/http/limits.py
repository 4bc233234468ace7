"""A bound on connections: those beyond it get a short answer at once instead of a place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

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
    """Counts the connections of several HTTP servers together."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.refused = 0
        self._servers: list[web.Server] = []

    @property
    def open(self) -> int:
        """Connections at present."""
        return sum(len(server.connections) for server in self._servers)

    def admit(self, server: web.Server) -> Callable[[], asyncio.BaseProtocol]:
        """What makes the protocol of each new connection to a server."""
        self._servers.append(server)

        def protocol() -> asyncio.BaseProtocol:
            if self.open >= self.most:
                self.refused += 1
                return Refusal()
            return server()

        return protocol

    def forget(self, server: web.Server) -> None:
        """The server has ended."""
        if server in self._servers:
            self._servers.remove(server)
