"""An endpoint that takes JSON lines, all of a request or nothing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from tests.peers.web import Peer, Request, serving


class LinesPeer(Peer):
    """`records` is what it took; a request with one of the messages in `refuses` gets status 422."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[dict[str, Any]] = []
        self.refuses: frozenset[str] = frozenset()

    async def answer(self, request: Request) -> web.StreamResponse:
        """All or nothing."""
        records = [json.loads(line) for line in request.body.splitlines()]
        if any(record["message"] in self.refuses for record in records):
            return web.Response(status=422, text="bad record")
        self.records += records
        return web.Response(status=202)


@contextlib.asynccontextmanager
async def lines_peer() -> AsyncIterator[LinesPeer]:
    """An endpoint on a port of its own."""
    peer = LinesPeer()
    async with serving(peer):
        yield peer
