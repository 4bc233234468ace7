"""Brings batches to a sink, however often it takes: tries again, splits, sets aside what will never be taken."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from agent.shipping.backoff import Backoff
from agent.shipping.parcel import count, halves, selected
from agent.shipping.sink import Again, Delivered, Sink, TooLarge, Verdict
from collectors.logs.batch import LogBatch

REFUSED = "refused"
TOO_LARGE = "too_large"
_MARGIN = 5.0


class Observer(Protocol):
    """Hears of each try. Texts are the sink's."""

    def tried(self, verdict: Verdict, seconds: float, waits: float | None) -> None:
        """A hand-over took `seconds`; the next comes after `waits`, None when none is needed."""
        ...


class DeadLetters(Protocol):
    """Takes what the peer refuses for good."""

    def put(self, batches: Sequence[LogBatch], reason: str, why: str) -> None:
        """Keep these records with the reason."""
        ...


class Delivery:
    """One sink's way of delivering. `lost` counts what was not taken, by container id and reason, since `taken`."""

    def __init__(
        self,
        sink: Sink,
        backoff: Backoff,
        dead: DeadLetters,
        observer: Observer,
        *,
        timeout: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._sink = sink
        self._backoff = backoff
        self._dead = dead
        self._observer = observer
        self._timeout = timeout
        self._sleep = sleep
        self._clock = clock or asyncio.get_running_loop().time
        self._lost: Counter[tuple[str, str]] = Counter()

    async def deliver(self, batches: Sequence[LogBatch]) -> Counter[tuple[str, str]]:
        """Until the peer has all that it will ever take; what it refused, by (container id, reason)."""
        waiting: list[list[LogBatch]] = [list(batches)]
        while waiting:
            now = waiting.pop()
            if count(now):
                # The first half comes first: the order of a container's records is kept.
                waiting += reversed(await self._hand_over(now))
        lost, self._lost = self._lost, Counter()
        return lost

    async def _hand_over(self, batches: list[LogBatch]) -> list[list[LogBatch]]:
        """One try; what is to be handed over after it."""
        verdict = await self._tried(batches)
        if isinstance(verdict, Delivered):
            self._set_aside(batches, verdict.refused)
            if verdict.lost:
                self._count_lost(batches, verdict.lost)
            return []
        if isinstance(verdict, Again):
            self._set_aside(batches, verdict.refused)
            if verdict.only is None:
                return [batches]
            only = frozenset(verdict.only)
            return [selected(batches, only.__contains__)]
        if count(batches) > 1 and (isinstance(verdict, TooLarge) or verdict.split):
            return list(halves(batches))
        self._refuse(batches, TOO_LARGE if isinstance(verdict, TooLarge) else REFUSED, verdict.why)
        return []

    async def _tried(self, batches: Sequence[LogBatch]) -> Verdict:
        began = self._clock()
        verdict: Verdict
        try:
            # A sink has its own time limit; this one is for a sink that forgot.
            async with asyncio.timeout(self._timeout + _MARGIN):
                verdict = await self._sink.send(batches)
        except TimeoutError:
            verdict = Again(f"no answer within {self._timeout:g} s")
        seconds = self._clock() - began
        if not isinstance(verdict, Again):
            self._backoff.reset()
            self._observer.tried(verdict, seconds, None)
            return verdict
        if verdict.only is not None and len(verdict.only) < count(batches):
            self._backoff.reset()
        waits = self._backoff.wait(verdict.after)
        self._observer.tried(verdict, seconds, waits)
        await self._sleep(waits)
        return verdict

    def _set_aside(self, batches: Sequence[LogBatch], refused: Sequence[tuple[int, str]]) -> None:
        by_reason: dict[str, set[int]] = {}
        for number, why in refused:
            by_reason.setdefault(why, set()).add(number)
        for why, numbers in by_reason.items():
            self._refuse(selected(batches, numbers.__contains__), REFUSED, why)

    def _refuse(self, batches: Sequence[LogBatch], reason: str, why: str) -> None:
        for batch in batches:
            self._lost[batch.target.id, reason] += len(batch.records)
        self._dead.put(batches, reason, why)

    def _count_lost(self, batches: Sequence[LogBatch], lost: int) -> None:
        """Of these so many were refused, and nobody says which: told of the first container if there are several."""
        rest = lost
        for batch in batches:
            some = min(rest, len(batch.records))
            self._lost[batch.target.id, REFUSED] += some
            rest -= some
            if not rest:
                return


async def closed(sink: Sink, seconds: float = 5.0) -> None:
    """Close a sink, without waiting for ever."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await sink.close()
