"""Answers made while they are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

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
