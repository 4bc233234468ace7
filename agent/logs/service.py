"""Logs as the agent offers them: the log worker's counters, queries, and live streams."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TypeVar

import msgspec
import structlog

from agent.exposition.columns import Samples
from agent.logs import link as loglink
from agent.logs import stream as logstream
from agent.logs.logmetrics import LogMetrics
from agent.logs.query import Queries, QueryLimits, QueryRefused
from agent.logs.stream import Refusal, Subscription
from agent.shipping.plan import Plan
from agent.shipping.report import Report as ShippingReport
from agent.shipping.report import Shipped, SinkReport
from collectors.logs.counters import UNKNOWN_SIZE
from collectors.logs.cursor import Cursor
from collectors.logs.loki.query import LokiQuery
from collectors.logs.metrics.measured import Measured
from collectors.logs.query import LogQuery
from collectors.logs.record import LogTarget
from collectors.logs.wire import (
    Counted,
    Ended,
    Fed,
    Report,
    Ship,
    Shipping,
    Started,
    Subscribe,
    Targets,
    ToAgent,
    Unsubscribe,
)
from collectors.metrics.catalogue import LOG_BYTES, LOG_DROPPED, LOG_LAG, LOG_LINES, LOG_MESSAGES, Family
from collectors.metrics.rows import Number
from runtime.linux.errors import DeckwatchError

__all__ = ["LogService", "QueryLimits", "QueryRefused"]

log = structlog.get_logger()
Question = TypeVar("Question", LogQuery, LokiQuery)

MAX_STREAMS = 64
_BACKOFF = (0.1, 5.0)


class LogService:
    """Supervises the log worker and answers for it. `start_at` is `beginning`, `end` or seconds.

    `restarts` counts the workers that ended on their own.
    """

    def __init__(
        self,
        *,
        state_dir: str,
        run_dir: str,
        start_at: str | float = 3600.0,
        query_limits: QueryLimits | None = None,
        plan: Plan | None = None,
        python: str = sys.executable,
    ) -> None:
        self.restarts = 0
        self._state = state_dir
        self._scratch = run_dir
        self._start_at = str(start_at)
        self._python = python
        self._queries = Queries(query_limits or QueryLimits(), run_dir, python)
        self._targets: dict[str, LogTarget] = {}
        self._counted: dict[str, Counted] = {}
        self._subscriptions: dict[int, Subscription] = {}
        self._numbers = itertools.count(1)
        self._link: loglink.Link | None = None
        self._plan = plan
        self.sinks: list[SinkReport] = []
        self._shipped: dict[str, dict[str, Shipped]] = {}
        self._metrics = LogMetrics()

    @property
    def targets(self) -> Sequence[LogTarget]:
        """What is read, as set last."""
        return list(self._targets.values())

    @property
    def worker_pid(self) -> int | None:
        """The worker's process; None while there is none."""
        return self._link.pid if self._link else None

    async def run(self) -> None:
        """Keep the worker alive until cancelled; it is started again with a growing delay."""
        state = loglink.prepared(self._state)
        os.makedirs(self._scratch, mode=0o700, exist_ok=True)
        delay = _BACKOFF[0]
        while True:
            began = asyncio.get_running_loop().time()
            try:
                async with loglink.started(self._python, state, self._scratch, self._start_at) as link:
                    await self._converse(link)
            except DeckwatchError as error:
                log.error("log_worker_not_started", error=str(error))
            self.restarts += 1
            if asyncio.get_running_loop().time() - began > 10 * _BACKOFF[1]:
                delay = _BACKOFF[0]
            log.warning("log_worker_ended", restarts=self.restarts, again_in_seconds=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, _BACKOFF[1])

    def set_plan(self, plan: Plan) -> None:
        """Ship as planned from now on: another plan is another worker's, which goes on where this one ends."""
        if plan != self._plan:
            self._plan, self.sinks = plan, []
            self._shipped.clear()
            if self._link:
                self._link.close()

    def counted(self, id: str) -> Counted | None:
        """What was counted of one container; None when it was not read yet."""
        return self._counted.get(id)

    def shipped(self, id: str) -> list[Shipped]:
        """What became of one container's records at each sink."""
        return list(self._shipped.get(id, {}).values())

    def set_targets(self, targets: Sequence[LogTarget]) -> None:
        """Say what to read: the full list, each time. Live streams take in what matches them."""
        new = {target.id: target for target in targets}
        changed = [target for id, target in new.items() if self._targets.get(id) != target]
        gone = [id for id in self._targets if id not in new]
        self._targets = new
        for id in gone:
            self._counted.pop(id, None)
            self._shipped.pop(id, None)
        feeds: dict[str, list[int]] = {}
        for subscription in self._subscriptions.values():
            for id in subscription.join(changed):
                feeds.setdefault(id, []).append(subscription.feed)
        if self._link and (changed or gone):
            self._link.send(Targets(changed, gone, feeds))

    def sections(self, labels_of: Callable[[str], str | None]) -> list[tuple[Family, Samples]]:
        """The log families, from the last counters the worker reported; containers without labels are left out."""
        size: list[tuple[str, Number]] = []
        lines: list[tuple[str, Number]] = []
        messages: list[tuple[str, Number]] = []
        dropped: list[tuple[str, Number]] = []
        lag: list[tuple[str, Number]] = []
        made: list[tuple[str, Measured]] = []
        for id, counted in self._counted.items():
            labels = labels_of(id)
            if labels is None:
                continue
            counters = counted.counters
            size += [(f'{labels},stream="{name}"', value) for name, value in counters.bytes.items()]
            lines += [(f'{labels},stream="{name}"', value) for name, value in counters.lines.items()]
            messages += [(f'{labels},level="{name}"', value) for name, value in counters.messages.items()]
            dropped += [(labels + _reason(name), value) for name, value in counters.dropped.items()]
            lag.append((labels, counted.lag))
            made += [(labels, one) for one in counters.metrics]
        return [
            (LOG_BYTES, size), (LOG_LINES, lines), (LOG_MESSAGES, messages), (LOG_DROPPED, dropped), (LOG_LAG, lag),
            *self._metrics.sections(made),
        ]  # fmt: skip

    async def query(self, query: LogQuery) -> AsyncGenerator[bytes, None]:
        """Records, one JSON line each without newline; raises QueryRefused."""
        async with contextlib.aclosing(self._queries.lines(self._with_cuts(query))) as lines:
            async for line in lines:
                yield line

    async def loki(self, query: LokiQuery) -> AsyncGenerator[bytes, None]:
        """The JSON of an answer of Loki's read API, in pieces; raises QueryRefused, before the first."""
        async with contextlib.aclosing(self._queries.loki(self._with_cuts(query))) as pieces:
            async for piece in pieces:
                yield piece

    async def stream(
        self, query: LogQuery, cursor: str | None = None, *, match: Callable[[LogTarget], bool] | None = None
    ) -> AsyncGenerator[tuple[str, bytes], None]:
        """Records from the cursor, the newest `tail_per_container`, `since` or now on, then live.

        Each comes with the cursor to resume behind it. `match` picks containers that appear later.
        Raises QueryRefused: too many streams, a bad cursor, or a reader that is too slow.
        """
        if len(self._subscriptions) >= MAX_STREAMS:
            raise QueryRefused("busy", f"{MAX_STREAMS} live streams run already; close one")
        try:
            position = Cursor.decoded(cursor) if cursor else None
        except ValueError as error:
            raise QueryRefused("cursor", f"{error}; begin anew without one") from None
        subscription = Subscription(next(self._numbers), self._with_cuts(query), match)
        self._subscriptions[subscription.feed] = subscription
        self._subscribe(subscription)
        try:
            async with contextlib.aclosing(
                logstream.records(subscription, self._queries, position)
            ) as records:
                async for item in records:
                    yield item
        finally:
            del self._subscriptions[subscription.feed]
            if self._link:
                self._link.send(Unsubscribe(subscription.feed))

    async def _converse(self, link: loglink.Link) -> None:
        """Tell a new worker everything, then listen to it."""
        self._link = link
        try:
            if self._plan and self._plan.sinks:
                link.send(Ship(msgspec.Raw(msgspec.msgpack.encode(self._plan))))
            # Subscriptions first, so that nothing is read before somebody listens.
            for subscription in self._subscriptions.values():
                self._subscribe(subscription)
            link.send(Targets(list(self._targets.values())))
            async for message in link.messages():
                self._hear(message)
        finally:
            self._link = None

    def _hear(self, message: ToAgent) -> None:
        if isinstance(message, Report):
            for counted in message.counted:
                if counted.id in self._targets:
                    self._counted[counted.id] = counted
        elif isinstance(message, Shipping):
            report = msgspec.msgpack.decode(message.report, type=ShippingReport)
            self.sinks = report.sinks
            for one in report.shipped:
                if one.id in self._targets:
                    self._shipped.setdefault(one.id, {})[one.sink] = one
        elif isinstance(message, Fed):
            if subscription := self._subscriptions.get(message.feed):
                for record in message.records:
                    subscription.put(record)
        elif isinstance(message, Started):
            if subscription := self._subscriptions.get(message.feed):
                subscription.started()
        elif isinstance(message, Ended):
            if subscription := self._subscriptions.get(message.feed):
                subscription.put(Refusal(message.reason, message.text))
        else:
            log.warning(message.event, error=message.error)

    def _subscribe(self, subscription: Subscription) -> None:
        if self._link:
            query = subscription.query
            ids = list(subscription.targets)
            self._link.send(Subscribe(subscription.feed, ids, query.grep, query.level, query.stream))

    def _with_cuts(self, query: Question) -> Question:
        """The query with the boundaries that the worker set by time, so that both see the same entries."""
        cuts = {
            target.id: [(key.hex(), offset, size) for key, offset, size in counted.cuts]
            for target in query.targets
            if (counted := self._counted.get(target.id)) and counted.cuts
        }
        return msgspec.structs.replace(query, cuts=cuts) if cuts else query


def _reason(name: str) -> str:
    """What rotated away unread is of unknown size: the count is the least that was lost."""
    return f',reason="{name}",size="unknown"' if name in UNKNOWN_SIZE else f',reason="{name}"'
