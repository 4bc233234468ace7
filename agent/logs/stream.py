"""Live streams: what the files hold first, then what the log worker reads, each record once.

A stream subscribes before it reads the files, so that nothing falls between the two. When the worker is
started anew the stream reads the files again from its cursor.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

import msgspec

from agent.logs.query import Queries, QueryRefused
from collectors.logs.cursor import Cursor
from collectors.logs.query import LogQuery
from collectors.logs.record import LogTarget
from collectors.logs.times import SECOND
from collectors.logs.times import parse as parse_time

Live = tuple[str, int, str, bytes]
"""Container id, time in ns, uid, JSON line."""

MAX_QUEUED = 20_000
_PAGE = 10_000
_OVERLAP = 10 * SECOND
_PATIENCE = 2.0


class _Container(msgspec.Struct):
    id: str = ""
    engine_id: str = ""


class _Record(msgspec.Struct):
    time: str
    uid: str
    container: _Container


_record = msgspec.json.Decoder(_Record)


def _live(line: bytes) -> Live:
    record = _record.decode(line)
    return (
        record.container.id or record.container.engine_id,
        parse_time(record.time.encode()),
        record.uid,
        line,
    )


class Resync(msgspec.Struct, frozen=True):
    """In a subscription's queue: read the files of these containers again, or of all."""

    ids: frozenset[str] | None = None


class Refusal(msgspec.Struct, frozen=True):
    """In a subscription's queue: it was ended, and why."""

    reason: str
    text: str


class Subscription:
    """One reader's bounded queue. When it is full the reader was too slow, and is told so."""

    def __init__(self, feed: int, query: LogQuery, match: Callable[[LogTarget], bool] | None) -> None:
        self.feed = feed
        self.query = query
        self.match = match
        self.targets = {target.id: target for target in query.targets}
        self.began = time.time()
        self._begun = asyncio.Event()
        self._expected = True
        self._queue: asyncio.Queue[Live | Resync | Refusal] = asyncio.Queue(MAX_QUEUED)
        self._refusal: Refusal | None = None

    def put(self, item: Live | Resync | Refusal) -> None:
        """Add to the queue, which after an end takes nothing more."""
        if isinstance(item, Refusal):
            self._refusal = self._refusal or item
        if self._queue.full():
            self._refusal = self._refusal or Refusal(
                "slow", f"the reader is slow: {MAX_QUEUED} records wait for it"
            )
        elif self._refusal is None or isinstance(item, Refusal):
            self._queue.put_nowait(item)

    def started(self) -> None:
        """The worker feeds from here on; when it is another one, or late, the files know what was missed."""
        if self._begun.is_set() or not self._expected:
            self.put(Resync())
        self._begun.set()

    async def begun(self) -> None:
        """Wait until the worker feeds, but not for ever: the files can be read without it."""
        try:
            await asyncio.wait_for(self._begun.wait(), _PATIENCE)
        except TimeoutError:
            self._expected = False

    async def get(self) -> Live | Resync:
        """The next; raises QueryRefused when the subscription was ended."""
        if self._queue.empty() and self._refusal:
            raise QueryRefused(self._refusal.reason, self._refusal.text)
        item = await self._queue.get()
        if isinstance(item, Refusal):
            raise QueryRefused(item.reason, item.text)
        return item

    def join(self, targets: Iterable[LogTarget]) -> set[str]:
        """Take in containers that match; the ids of those that are new here.

        One that already ran when the stream began has printed before it was known: its files are read.
        """
        joined: set[str] = set()
        for target in targets:
            if target.id in self.targets:
                self.targets[target.id] = target
            elif self.match is not None and self.match(target):
                self.targets[target.id] = target
                joined.add(target.id)
        older = {id for id in joined if not self._younger(self.targets[id])}
        if older:
            self.put(Resync(frozenset(older)))
        return joined

    def _younger(self, target: LogTarget) -> bool:
        return bool(target.runs) and target.runs[0][1] >= self.began


async def records(
    subscription: Subscription, queries: Queries, cursor: Cursor | None
) -> AsyncGenerator[tuple[str, bytes], None]:
    """Each record once, with the text of the cursor behind it; raises QueryRefused."""
    query = subscription.query
    now = time.time_ns()
    await subscription.begun()
    oldest: dict[str, int] = {}
    tail = query.tail_per_container if cursor is None else None
    if cursor is None:
        cursor = Cursor(now if query.since is None or tail is not None else int(query.since * SECOND))
    if tail:
        async with contextlib.aclosing(_tailed(subscription, queries)) as newest:
            async for live in newest:
                oldest.setdefault(live[0], live[1])
                cursor.advance(*live[:3])
                yield cursor.encoded(), live[3]
    elif cursor.since < now:
        async with contextlib.aclosing(_caught_up(subscription, queries, cursor, None)) as lines:
            async for line in lines:
                yield cursor.encoded(), line
    # What is older was printed before the stream began, or was read from the files just now.
    floor = now - _OVERLAP if tail else min(now, max(cursor.since, now - _OVERLAP))
    while True:
        item = await subscription.get()
        if isinstance(item, Resync):
            async with contextlib.aclosing(_caught_up(subscription, queries, cursor, item.ids)) as lines:
                async for line in lines:
                    yield cursor.encoded(), line
            continue
        id, at, uid, line = item
        if not cursor.knows(uid) and at >= oldest.get(id, floor):
            cursor.advance(id, at, uid)
            yield cursor.encoded(), line


async def _tailed(subscription: Subscription, queries: Queries) -> AsyncGenerator[Live, None]:
    """The newest of each container, oldest first."""
    query = subscription.query
    first = msgspec.structs.replace(
        query,
        targets=list(subscription.targets.values()),
        direction="forward",
        limit=max(query.limit, (query.tail_per_container or 0) * len(subscription.targets)),
    )
    async with contextlib.aclosing(queries.lines(first, lenient=True)) as lines:
        async for line in lines:
            yield _live(line)


async def _caught_up(
    subscription: Subscription, queries: Queries, cursor: Cursor, ids: frozenset[str] | None
) -> AsyncGenerator[bytes, None]:
    """What the files hold behind the cursor, page by page, until a page is not full."""
    since, limit = cursor.needed_since(), _PAGE
    cursor.begin()
    while True:
        read = new = 0
        async with contextlib.aclosing(
            queries.lines(_behind(subscription, since, ids, limit), lenient=True)
        ) as lines:
            async for line in lines:
                read += 1
                id, at, uid, _ = _live(line)
                since = max(since, at - SECOND)
                if cursor.is_new(id, at, uid):
                    new += 1
                    cursor.advance(id, at, uid)
                    yield line
                else:
                    cursor.meet(uid)
        if read < limit:
            return
        # A page that lies within a second would be read again and again: take a longer one.
        limit = _PAGE if new else limit * 4


def _behind(subscription: Subscription, since: int, ids: frozenset[str] | None, limit: int) -> LogQuery:
    targets: Sequence[LogTarget] = [
        target for id, target in subscription.targets.items() if ids is None or id in ids
    ]
    return msgspec.structs.replace(
        subscription.query,
        targets=list(targets),
        since=since / SECOND,
        until=None,
        direction="forward",
        limit=limit,
        tail_per_container=None,
        previous=False,
    )
