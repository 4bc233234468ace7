"""Answers whose body is made while it is sent: an error before the first byte is still a proper answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import structlog
from aiohttp import web

log = structlog.get_logger()
BODY_FAILED = "http_body_failed"


async def streamed(
    request: web.Request,
    content_type: str,
    pieces: AsyncIterator[bytes],
    headers: dict[str, str] | None = None,
) -> web.StreamResponse:
    """Send the pieces; when one fails midway the connection is cut, so that nobody takes it for whole."""
    try:
        first = await anext(pieces)
    except StopAsyncIteration:
        first = b""
    response = web.StreamResponse(headers={"Content-Type": content_type, **(headers or {})})
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    try:
        if first:
            await response.write(first)
        async for piece in pieces:
            if piece:
                await response.write(piece)
        await response.write_eof()
    except ConnectionError:
        pass  # the client went away
    except Exception:
        log.exception(BODY_FAILED, path=request.path)
        if request.transport is not None:
            request.transport.abort()
    return response
