"""An Elasticsearch as far as its bulk API goes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from tests.peers.web import Peer, Request, serving


class ElasticsearchPeer(Peer):
    """`documents` is what it indexed, by (index, id). `refuses` gives messages the status and the type of the error
    with which they are answered, so many times."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.encodings = frozenset(("", "gzip"))
        self.refuses: dict[str, tuple[int, str, int]] = {}

    async def answer(self, request: Request) -> web.StreamResponse:
        """Index what can be, and say of each record what became of it."""
        if request.method != "POST" or request.path != "/_bulk":
            return web.json_response({"error": "no handler found for uri"}, status=400)
        if request.headers["Content-Type"] != "application/x-ndjson":
            return web.json_response({"error": "Content-Type"}, status=406)
        if not request.body.endswith(b"\n"):
            return web.json_response(
                {"error": "The bulk request must be terminated by a newline [\\n]"}, status=400
            )
        lines = request.body.split(b"\n")[:-1]
        results = [
            self._create(json.loads(action), json.loads(source))
            for action, source in zip(lines[::2], lines[1::2], strict=True)
        ]
        errors = any("error" in result for result in results)
        return web.json_response({"errors": errors, "items": [{"create": result} for result in results]})

    def _create(self, action: dict[str, Any], source: dict[str, Any]) -> dict[str, Any]:
        ((verb, about),) = action.items()
        message = source["message"]
        assert verb == "create"
        assert "@timestamp" in source
        status, kind, times = self.refuses.get(message, (0, "", 0))
        if times:
            self.refuses[message] = (status, kind, times - 1)
            return {"status": status, "error": {"type": kind, "reason": "said so"}}
        key = (about["_index"], about["_id"])
        if key in self.documents:
            error = {"type": "version_conflict_engine_exception", "reason": "document already exists"}
            return {"status": 409, "error": error}
        self.documents[key] = source
        return {"status": 201}


@contextlib.asynccontextmanager
async def elasticsearch_peer() -> AsyncIterator[ElasticsearchPeer]:
    """A node on a port of its own."""
    peer = ElasticsearchPeer()
    async with serving(peer):
        yield peer
