"""Answers whose body is made while it is sent: an error before the first byte is still a proper answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import structlog
from aiohttp import web

log = structlog.get_logger()
BODY_FAILED = "http_body_failed"
CLIENT_STALLED = "http_client_stalled"
STALL = 120.0


async def streamed(
    request: web.Request,
    content_type: str,
    pieces: AsyncIterator[bytes],
    headers: dict[str, str] | None = None,
) -> web.StreamResponse:
    """Send the pieces; when one fails midway the connection is cut, so that nobody takes it for whole.

    So is that of a client that takes nothing for `STALL` seconds: it would keep its place for ever.
    """
    try:
        first = await anext(pieces)
    except StopAsyncIteration:
        first = b""
    response = web.StreamResponse(headers={"Content-Type": content_type, **(headers or {})})
    try:
        await response.prepare(request)
    except ConnectionError:
        return response  # the client went away while the first piece was made
    if request.method == "HEAD":
        return response
    loop = asyncio.get_running_loop()
    # Only what is taken is limited here, not how long a piece takes to make.
    limit = asyncio.timeout(STALL)
    try:
        async with limit:
            if first:
                await response.write(first)
            limit.reschedule(None)
            async for piece in pieces:
                limit.reschedule(loop.time() + STALL)
                if piece:
                    await response.write(piece)
                limit.reschedule(None)
            limit.reschedule(loop.time() + STALL)
            await response.write_eof()
    except ConnectionError:
        pass  # the client went away
    except Exception:
        if limit.expired():
            log.info(CLIENT_STALLED, path=request.path, seconds=STALL)
        else:
            log.exception(BODY_FAILED, path=request.path)
        if request.transport is not None:
            request.transport.abort()
    return response
