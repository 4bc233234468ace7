"""Logs as the agent offers them: the log worker's counters, queries, and live streams."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec

from collectors.logs.query import LogQuery
from collectors.logs.record import LogTarget
from collectors.metrics.catalogue import Family
from collectors.metrics.rows import Number
from runtime.linux.errors import DeckwatchError, NotSupported


class QueryLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of queries: bytes read and seconds for each, and how many run at once."""

    max_bytes: int = 2 << 30
    timeout: float = 30.0
    concurrency: int = 2


class QueryRefused(DeckwatchError):
    """A query that was not answered, or not to its end; `reason` is `busy`, `timeout`, `bytes`, `pattern` or `failed`."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class LogService:
    """Supervises the log worker and answers for it. `start_at` is `beginning`, `end` or seconds."""

    def __init__(
        self,
        *,
        state_dir: str,
        run_dir: str,
        start_at: str | float = 3600.0,
        query_limits: QueryLimits | None = None,
        python: str = sys.executable,
    ) -> None:
        self._state_dir = state_dir
        self._run_dir = run_dir
        self._start_at = start_at
        self._limits = query_limits or QueryLimits()
        self._python = python

    async def run(self) -> None:
        """Keep the worker alive until cancelled; it is started again with a growing delay."""
        raise NotSupported("the log worker is not built yet")

    def set_targets(self, targets: Sequence[LogTarget]) -> None:
        """Say what to read: the full list, each time."""
        raise NotSupported("the log worker is not built yet")

    def sections(
        self, labels_of: Callable[[str], str | None]
    ) -> list[tuple[Family, list[tuple[str, Number]]]]:
        """The log families, from the last counters the worker reported; containers without labels are left out."""
        raise NotSupported("the log worker is not built yet")

    def query(self, query: LogQuery) -> AsyncIterator[bytes]:
        """Records, one JSON line each without newline; raises QueryRefused."""
        raise NotSupported("the log worker is not built yet")

    def stream(
        self, query: LogQuery, cursor: str | None = None, *, match: Callable[[LogTarget], bool] | None = None
    ) -> AsyncIterator[tuple[str, bytes]]:
        """Records from `query.since` (or the last `limit`) on and then live, each with the cursor to resume after it.

        `match` picks containers that appear later. Raises QueryRefused.
        """
        raise NotSupported("the log worker is not built yet")
