"""What the peers over HTTP have in common: a server of their own, and everything that can go wrong with one."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ssl
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import NamedTuple

from aiohttp import web

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Handler = Callable[["Request"], Awaitable[web.StreamResponse]]
_ENCODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gzip.decompress,
    "zstd": zstd.decompress,
}


class Request(NamedTuple):
    """One request with its body decoded."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Peer:
    """A server at `url` that answers as `answer` does, unless a fault was ordered.

    `requests` are those that were answered or failed; `max_body` the bytes of a body, as sent, above which it says
    413; `encodings` the Content-Encodings that it takes.
    """

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.max_body = 1 << 40
        self.encodings = frozenset(("", "gzip", "zstd"))
        self._faults: deque[Handler] = deque()
        self._released = asyncio.Event()

    async def answer(self, request: Request) -> web.StreamResponse:
        """The protocol's own answer."""
        raise NotImplementedError

    def fail_next(
        self, status: int, headers: Mapping[str, str] | None = None, body: str = "", times: int = 1
    ) -> None:
        """Answer the next requests like this."""

        async def fail(_: Request) -> web.StreamResponse:
            return web.Response(status=status, headers=headers, text=body)

        self._faults.extend([fail] * times)

    def hang(self, times: int = 1) -> None:
        """Do not answer the next requests until `release`."""

        async def wait(request: Request) -> web.StreamResponse:
            await self._released.wait()
            return await self.answer(request)

        self._faults.extend([wait] * times)

    def release(self) -> None:
        """Let those that hang go on."""
        self._released.set()

    def close_next(self) -> None:
        """Take the next request and close the connection in the middle of the answer."""

        async def half(request: Request) -> web.StreamResponse:
            await self.answer(request)
            raise _HalfAnswer

        self._faults.append(half)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        encoding = request.headers.get("Content-Encoding", "")
        if len(body) > self.max_body:
            return web.Response(status=413, text="request body too large")
        if encoding not in self.encodings:
            return web.Response(status=415, text=f"no {encoding} here")
        taken = Request(
            request.method, request.path, request.query, request.headers, _ENCODINGS[encoding](body)
        )
        self.requests.append(taken)
        handler = self._faults.popleft() if self._faults else self.answer
        try:
            return await handler(taken)
        except _HalfAnswer:
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(b"{")
            assert request.transport is not None
            request.transport.close()
            return response


class _HalfAnswer(Exception):
    """The connection is to be closed in the middle of the answer."""


@contextlib.asynccontextmanager
async def serving(peer: Peer, context: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    """The peer on a port of its own."""
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", peer._handle)
    runner = web.AppRunner(app, auto_decompress=False, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        host, port = runner.addresses[0][:2]
        peer.url = f"{'https' if context else 'http'}://{host}:{port}"
        yield
    finally:
        peer.release()
        await runner.cleanup()
