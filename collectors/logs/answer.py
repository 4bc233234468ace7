"""Answers a query over the logs of several containers: filtered, in order of time, limited."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable, Iterator

from collectors.logs.assemble import Cut
from collectors.logs.entry import Entry
from collectors.logs.formats import Unreadable
from collectors.logs.journal.choice import log_kind
from collectors.logs.judge import Judge
from collectors.logs.query import LogQuery
from collectors.logs.record import LogTarget
from collectors.logs.render import Renderer
from collectors.logs.segment import Budget
from collectors.logs.times import SECOND

_NEVER = 1 << 63

Hit = tuple[int, int, Entry]
"""Time in ns, number of the target, the entry."""


def answer(
    query: LogQuery, scratch: str, budget: Budget, skipped: list[str] | None = None
) -> Iterator[bytes]:
    """The records, one JSON line each, with its newline; raises BadQuery, TooManyBytes, TooLarge.

    Of several containers one that cannot be read does not hide the others: `skipped` gets its error.
    """
    judge = Judge(query.grep, query.level, query.stream)
    renderers = [Renderer(target) for target in query.targets]
    for _, number, entry in itertools.islice(_merged(query, judge, scratch, budget, skipped), query.limit):
        yield renderers[number].record(entry) + b"\n"


def _merged(
    query: LogQuery, judge: Judge, scratch: str, budget: Budget, skipped: list[str] | None
) -> Iterator[Hit]:
    forward = query.direction == "forward"
    several = len(query.targets) > 1
    hits = [
        _hits(number, _entries(query, target, judge, scratch, budget, forward), skipped if several else None)
        for number, target in enumerate(query.targets)
    ]
    return heapq.merge(*hits, key=lambda hit: hit[0], reverse=not forward)


def _hits(number: int, entries: Iterable[Entry], skipped: list[str] | None) -> Iterator[Hit]:
    try:
        for entry in entries:
            yield entry.time, number, entry
    except (OSError, Unreadable) as error:
        if skipped is None:
            raise
        skipped.append(str(error))


def _entries(
    query: LogQuery, target: LogTarget, judge: Judge, scratch: str, budget: Budget, forward: bool
) -> Iterator[Entry]:
    """What one container has to say, in the query's direction; `tail_per_container` leaves its newest."""
    bounds = bounds_of(query, target)
    if bounds is None:
        return
    cuts: set[Cut] = {
        (bytes.fromhex(key), offset, size) for key, offset, size in query.cuts.get(target.id, ())
    }
    log = log_kind(target)(
        target, judge, query.grep, since=bounds[0], until=bounds[1], scratch=scratch, budget=budget, cuts=cuts
    )
    try:
        if query.tail_per_container is None:
            yield from log.forward() if forward else log.backward()
        else:
            newest = list(itertools.islice(log.backward(), query.tail_per_container))
            yield from reversed(newest) if forward else newest
    finally:
        log.close()


def bounds_of(query: LogQuery, target: LogTarget) -> tuple[int, int] | None:
    """The range of times in ns, both inclusive, that is asked of one container; None when there is none."""
    since = 0 if query.since is None else _nanoseconds(query.since)
    until = _NEVER if query.until is None else _nanoseconds(query.until)
    if query.previous:
        if len(target.runs) < 2:
            return None
        since = max(since, _nanoseconds(target.runs[-2][1]))
        until = min(until, _nanoseconds(target.runs[-1][1]) - 1)
    return since, until


def _nanoseconds(seconds: float) -> int:
    """Exact to what a float holds: the fraction is not multiplied away."""
    fraction, whole = math.modf(seconds)
    return int(whole) * SECOND + round(fraction * SECOND)
