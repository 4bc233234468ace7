"""A Loki as far as its push API goes, with its limits and its words (pkg/validation, pkg/ingester, pkg/loghttp)."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aiohttp import web

from tests.peers.web import Peer, Request, serving

SECOND = 1_000_000_000
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class Entry(NamedTuple):
    """What was stored."""

    labels: dict[str, str]
    time: int
    line: str
    metadata: dict[str, str]


class LokiPeer(Peer):
    """`entries` is what it stored. Times are in ns; `future` and `age` bound them against `now`, `behind` against
    the newest of the stream."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self.encodings = frozenset(("", "gzip"))
        self.now = time.time_ns
        self.age = 10**9 * 365 * 86400 * SECOND
        self.future = 10**9 * 365 * 86400 * SECOND
        self.behind = 3600 * SECOND
        self.max_line = 256 * 1024
        self.max_labels = 15
        self.stored: set[tuple[str, int, str]] = set()
        self._newest: dict[str, int] = {}

    async def answer(self, request: Request) -> web.StreamResponse:
        """Store what is within the limits; 204, or 400 with what was not."""
        if request.method != "POST" or request.path != "/loki/api/v1/push":
            return web.Response(status=404, text="404 page not found")
        if request.headers["Content-Type"] != "application/json":
            return web.Response(status=415)
        try:
            pushed = json.loads(request.body)["streams"]
            streams = [(stream["stream"], [_value(one) for one in stream["values"]]) for stream in pushed]
        except (ValueError, KeyError, TypeError) as error:
            return web.Response(status=400, text=f"loghttp.PushRequest.Streams: {error}")
        invalid = [words for labels, values in streams for words in self._distribute(labels, values)]
        failed = [words for labels, values in streams if (words := self._ingest(labels, values))]
        # Of several streams the last one's failure is told.
        words = failed[-1] if failed else "; ".join(invalid)
        return web.Response(status=400, text=words) if words else web.Response(status=204)

    def _distribute(self, labels: dict[str, str], values: list[Any]) -> list[str]:
        """Take out of a stream what breaks a tenant's limit; the words about it."""
        name = named(labels)
        if not labels or any(not _NAME.fullmatch(label) for label in labels):
            values.clear()
            return ["error at least one label pair is required per stream"]
        if len(labels) > self.max_labels:
            values.clear()
            return [f"entry for stream '{name}' has {len(labels)} label names; limit {self.max_labels}"]
        words = []
        oldest, newest = self.now() - self.age, self.now() + self.future
        for value in list(values):
            moment, size = value[0], len(value[1].encode())
            if moment < oldest:
                words.append(
                    f"entry for stream '{name}' has timestamp too old: {rfc3339(moment)}, "
                    f"oldest acceptable timestamp is: {rfc3339(oldest)}"
                )
            elif moment > newest:
                words.append(f"entry for stream '{name}' has timestamp too new: {rfc3339(moment)}")
            elif size > self.max_line:
                words.append(
                    f"Max entry size '{self.max_line}' bytes exceeded for stream '{name}' "
                    f"while adding an entry with length '{size}' bytes"
                )
            else:
                continue
            values.remove(value)
        return sorted(set(words))

    def _ingest(self, labels: dict[str, str], values: list[Any]) -> str:
        """Store a stream's entries; the words about those too far behind, the first ten of them by name."""
        name, failed = named(labels), []
        for moment, line, metadata in values:
            cutoff = self._newest.get(name, 0) - self.behind
            if moment < cutoff:
                failed.append(
                    f"entry with timestamp {go_time(moment)} ignored, reason: 'entry too far behind, "
                    f"entry timestamp is: {rfc3339(moment)}, "
                    f"oldest acceptable timestamp is: {rfc3339(cutoff)}',\n"
                )
                continue
            self._newest[name] = max(self._newest.get(name, 0), moment)
            if (name, moment, line) not in self.stored:
                self.stored.add((name, moment, line))
                self.entries.append(Entry(labels, moment, line, metadata))
        if not failed:
            return ""
        return (
            f"{''.join(failed[:10])}user 'fake', total ignored: {len(failed)} out of {len(values)} "
            f"for stream: {name}"
        )


def named(labels: dict[str, str]) -> str:
    """Labels as Loki writes them."""
    return "{" + ", ".join(f"{name}={json.dumps(value)}" for name, value in sorted(labels.items())) + "}"


def rfc3339(moment: int) -> str:
    """A time in seconds, as Go's time.RFC3339 has it."""
    return datetime.fromtimestamp(moment // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def go_time(moment: int) -> str:
    """A time as Go's Time.String writes it, without the zeros at the end of its fraction."""
    fraction = f".{moment % SECOND:09d}".rstrip("0").rstrip(".")
    return f"{datetime.fromtimestamp(moment // SECOND, UTC):%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def _value(value: list[Any]) -> tuple[int, str, dict[str, str]]:
    moment, line, *metadata = value
    found = metadata[0] if metadata else {}
    if not isinstance(moment, str) or not isinstance(line, str) or len(metadata) > 1:
        raise ValueError(f"not an entry: {value!r:.80}")
    if not all(isinstance(one, str) for pair in found.items() for one in pair):
        raise ValueError(f"structured metadata must be strings: {found!r:.80}")
    if len(found) > 128 or sum(len(key) + len(one) for key, one in found.items()) > 64 * 1024:
        raise ValueError("structured metadata too large")
    return int(moment), line, found


@contextlib.asynccontextmanager
async def loki_peer() -> AsyncIterator[LokiPeer]:
    """A Loki on a port of its own."""
    peer = LokiPeer()
    async with serving(peer):
        yield peer
