"""Server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from agent.http import sse
from agent.http.problem import HttpProblem, problems


def test_frames() -> None:
    assert sse.event(b"a\nb", id="7", kind="exit") == b"id: 7\nevent: exit\ndata: a\ndata: b\n\n"
    assert sse.event(b"a") == b"data: a\n\n"


def test_streams_are_bounded() -> None:
    streams = sse.Streams()
    with streams.one(1):
        with pytest.raises(HttpProblem, match="1 live streams are open"), streams.one(1):
            pass
        assert streams.open == 1
    assert streams.open == 0


async def test_heartbeats_then_the_end_of_a_client_closes_the_source() -> None:
    closed = asyncio.Event()

    async def frames() -> AsyncGenerator[bytes, None]:
        try:
            yield sse.event(b"first")
            await asyncio.Event().wait()
        finally:
            closed.set()

    async def handler(request: web.Request) -> web.StreamResponse:
        return await sse.serve(request, frames(), limit=1, heartbeat=0.02)

    app = web.Application(middlewares=[problems])
    app[sse.STREAMS] = sse.Streams()
    app.router.add_get("/", handler)
    async with TestClient(TestServer(app)) as client, asyncio.timeout(10):
        answer = await client.get("/")
        assert await answer.content.readuntil(b"data: first\n\n")
        assert await answer.content.readuntil(b": still here\n\n")
        assert (await client.get("/")).status == 503
        answer.close()
        await closed.wait()
        while app[sse.STREAMS].open:
            await asyncio.sleep(0.01)
