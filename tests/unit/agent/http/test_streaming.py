"""Answers made while they are sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from agent.http import streaming
from agent.http.problem import HttpProblem, problems
from agent.http.streaming import streamed


async def nothing() -> AsyncIterator[bytes]:
    for piece in ():
        yield piece


async def early() -> AsyncIterator[bytes]:
    raise HttpProblem(422, "no such pattern")
    yield b""


async def late() -> AsyncIterator[bytes]:
    yield b"half"
    raise RuntimeError("midway")


async def test_empty_early_and_late() -> None:
    app = web.Application(middlewares=[problems])
    for name, pieces in {"nothing": nothing, "early": early, "late": late}.items():

        async def handler(request: web.Request, pieces: object = pieces) -> web.StreamResponse:
            return await streamed(request, "text/plain", pieces())  # type: ignore[operator]

        app.router.add_get(f"/{name}", handler)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/nothing")
        assert (answer.status, await answer.read()) == (200, b"")
        assert (await client.get("/early")).status == 422
        with pytest.raises(aiohttp.ClientError):
            await (await client.get("/late")).read()


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 65536


async def test_a_client_that_takes_nothing_loses_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "STALL", 0.2)
    ended = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        try:
            return await streamed(request, "text/plain", endless())
        finally:
            ended.set()

    app = web.Application()
    app.router.add_get("/", handler)
    async with TestServer(app) as server:
        _, writer = await asyncio.open_connection(server.host, server.port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(10):
            await ended.wait()
        writer.transport.abort()


async def test_a_client_that_leaves_while_the_first_piece_is_made_is_no_error() -> None:
    outcomes = asyncio.Queue[object]()

    async def handler(request: web.Request) -> web.StreamResponse:
        async def pieces() -> AsyncIterator[bytes]:
            assert request.transport is not None
            request.transport.close()
            yield b"too late"

        try:
            answer = await streamed(request, "text/plain", pieces())
        except Exception as error:
            outcomes.put_nowait(error)
            raise
        outcomes.put_nowait(answer.status)
        return answer

    app = web.Application()
    app.router.add_get("/", handler)
    async with TestClient(TestServer(app)) as client:
        with pytest.raises(aiohttp.ClientError):
            await client.get("/")
        assert await asyncio.wait_for(outcomes.get(), 5) == 200
