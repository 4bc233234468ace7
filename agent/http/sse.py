"""Server-sent events: a bounded number of live streams, with resumable ids and heartbeats."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator

from aiohttp import web

from agent.http.problem import HttpProblem
from agent.http.route import EVENT_STREAM

HEARTBEAT = 15.0
WRITE_TIMEOUT = 30.0


class Streams:
    """How many live streams are served, over all listeners."""

    def __init__(self) -> None:
        self.open = 0

    @contextlib.contextmanager
    def one(self, limit: int) -> Iterator[None]:
        """Room for one stream; raises HttpProblem 503 when there is none."""
        if self.open >= limit:
            raise HttpProblem(
                503,
                f"{self.open} live streams are open, which is the limit; close one or raise server.max_streams",
                headers={"Retry-After": "10"},
            )
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1


STREAMS = web.AppKey("streams", Streams)


def event(data: bytes, *, id: str = "", kind: str = "") -> bytes:
    """One event as it goes over the wire; each line of `data` becomes a data line."""
    head = f"id: {id}\n" if id else ""
    head += f"event: {kind}\n" if kind else ""
    body = b"\n".join(b"data: " + line for line in data.split(b"\n"))
    return head.encode() + body + b"\n\n"


def last_id(request: web.Request) -> str | None:
    """Where a client wants to go on: the Last-Event-ID header, or the parameter `after`."""
    return request.headers.get("Last-Event-ID") or request.query.get("after") or None


async def serve(
    request: web.Request,
    frames: AsyncGenerator[bytes, None],
    *,
    limit: int,
    heartbeat: float = HEARTBEAT,
) -> web.StreamResponse:
    """Send frames until they end, the client goes, or it takes none for `WRITE_TIMEOUT` seconds."""
    with request.app[STREAMS].one(limit):
        response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        response.content_type = EVENT_STREAM
        await response.prepare(request)
        await response.write(b"retry: 2000\n\n")
        try:
            async with asyncio.TaskGroup() as group:
                beating = group.create_task(_beat(response, heartbeat))
                async with contextlib.aclosing(frames) as closing:
                    async for frame in closing:
                        await asyncio.wait_for(response.write(frame), WRITE_TIMEOUT)
                beating.cancel()
        except* (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()
        return response


async def _beat(response: web.StreamResponse, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        await asyncio.wait_for(response.write(b": still here\n\n"), WRITE_TIMEOUT)
