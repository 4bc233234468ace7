"""One scrape: read the host now, put beside it what is kept of the dead, and stream the exposition.

The whole body never exists; between two pieces the event loop has its turn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Protocol

from prometheus_client import CollectorRegistry

from agent.exposition import render as exposition
from agent.exposition.finals import Finals
from agent.exposition.limit import SeriesLimit
from agent.exposition.negotiation import negotiate
from agent.exposition.turns import SLICE
from agent.urgency import ordinary_work
from collectors.metrics import catalogue
from collectors.metrics.rows import Reading

# Bytes that are handed to the connection at once.
_PIECE = 128 * 1024

Sections = Sequence[exposition.Section]


class Sampler(Protocol):
    """What reads the host."""

    async def read(self) -> Reading:
        """All rows, now."""


class Scraper:
    """Answers `GET /metrics`.

    `sections` gives the families that stand beside the rows: lifecycle, logs, info, host.
    `limit` keeps the rows within `metrics.series_limit`. `prepare` makes them ready in slices, as far as that takes long. `observe(reading)` is told of each reading
    before it is rendered.
    """

    def __init__(
        self,
        *,
        sampler: Sampler,
        finals: Finals,
        registry: CollectorRegistry,
        sections: Callable[[], Sections],
        observe: Callable[[Reading], None],
        dropped: Callable[[int], None],
        prepare: Callable[[], Awaitable[None]] | None = None,
        took: Callable[[float], None] = lambda seconds: None,
        drop: Sequence[str] = (),
        series_limit: int = 400_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sampler = sampler
        self._finals = finals
        self._registry = registry
        self._sections = sections
        self._prepare = prepare
        self._observe = observe
        self._dropped = dropped
        self._took = took
        self.drop = tuple(drop)
        self.limit = SeriesLimit(series_limit)
        self._clock = clock
        self._memory = exposition.Memory()

    def scrape(self, accept: str, gzip: bool, collect: Sequence[str]) -> tuple[str, AsyncIterator[bytes]]:
        """Content type and body of one scrape; `collect` names the collectors wanted, none for all."""
        content_type, openmetrics = negotiate(accept)
        return content_type, self._body(openmetrics, gzip, frozenset(collect) or None)

    async def _body(
        self, openmetrics: bool, gzip: bool, collect: frozenset[str] | None
    ) -> AsyncIterator[bytes]:
        with ordinary_work():
            async for piece in self._pieces(openmetrics, gzip, collect):
                yield piece

    async def _pieces(
        self, openmetrics: bool, gzip: bool, collect: frozenset[str] | None
    ) -> AsyncIterator[bytes]:
        begun = time.perf_counter()
        reading = await self._sampler.read()
        self._observe(reading)
        if self._prepare is not None:
            await self._prepare()
        everything = [*reading.rows, *self._finals.rows(self._clock(), {row.id for row in reading.rows})]
        rows = self.limit.within(everything)
        if self.limit.dropped:
            self._dropped(self.limit.dropped)
        parts = exposition.parts(
            rows,
            self._sections(),
            openmetrics=openmetrics,
            collect=collect,
            registry=self._registry,
            drop=self.drop,
            memory=self._memory if gzip else None,
        )
        for piece in _gathered(exposition.gzipped(parts) if gzip else exposition.encoded(parts)):
            if piece:
                yield piece
            await asyncio.sleep(0)
        self._took(time.perf_counter() - begun)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces in fewer, larger ones; each made within a slice of the loop's time."""
    waiting: list[bytes] = []
    size = 0
    slice_end = time.perf_counter() + SLICE
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _PIECE or time.perf_counter() > slice_end:
            yield b"".join(waiting)
            waiting.clear()
            size = 0
            slice_end = time.perf_counter() + SLICE
    yield b"".join(waiting)


COLLECTORS = frozenset({exposition.AGENT}) | frozenset(
    family.collector
    for family in (*catalogue.ROW, *catalogue.LIFECYCLE, *catalogue.LOGS, catalogue.INFO, *catalogue.HOST)
)
