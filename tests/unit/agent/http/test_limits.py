"""A bound on connections."""

from __future__ import annotations

import asyncio

from aiohttp import web

from agent.http.limits import REFUSAL, Limiter


async def test_one_too_many_gets_a_short_answer() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="yes")

    http = web.Server(handler)
    limiter = Limiter(1)
    server = await asyncio.get_running_loop().create_server(limiter.admit(http), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with asyncio.timeout(10):
        first_in, first_out = await asyncio.open_connection(host, port)
        first_out.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await first_in.readuntil(b"yes")).startswith(b"HTTP/1.1 200")
        second_in, second_out = await asyncio.open_connection(host, port)
        assert await second_in.read() == REFUSAL
        assert (limiter.open, limiter.refused) == (1, 1)
        for out in (first_out, second_out):
            out.close()
        while limiter.open:
            await asyncio.sleep(0.01)
        limiter.forget(http)
        server.close()
        await http.shutdown(1)


async def test_who_never_asks_does_not_keep_a_place() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        limiter.asked(request)
        await asyncio.sleep(0.3)
        return web.Response(text="late")

    http = web.Server(handler)
    limiter = Limiter(10, first_request=0.1)
    server = await asyncio.get_running_loop().create_server(limiter.admit(http), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with asyncio.timeout(10):
        slow_in, slow_out = await asyncio.open_connection(host, port)
        slow_out.write(b"GET / HTTP/1.1\r\nHost: ")
        good_in, good_out = await asyncio.open_connection(host, port)
        good_out.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await slow_in.read() == b""
        assert await good_in.readuntil(b"late")
        for out in (slow_out, good_out):
            out.close()
        server.close()
        await http.shutdown(1)


def test_the_refusal_is_a_whole_answer() -> None:
    head, _, body = REFUSAL.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
