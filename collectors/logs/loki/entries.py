"""From the files of the chosen containers to what LogQL reads, merged by time."""

from __future__ import annotations

import heapq
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from collectors.logs.assemble import Cut
from collectors.logs.entry import Entry as FileEntry
from collectors.logs.formats import Unreadable
from collectors.logs.journal.choice import log_kind
from collectors.logs.judge import Judge, LevelOf, level_reader
from collectors.logs.levels import LEVELS, UNKNOWN, level_of
from collectors.logs.logql import ahead, ast
from collectors.logs.logql.line import Entry
from collectors.logs.logql.pipeline import line_filter
from collectors.logs.logql.plan import Plan
from collectors.logs.loki.streams import Chosen
from collectors.logs.loki_labels import stream_metadata
from collectors.logs.parse import understand
from collectors.logs.parsers import parser_of
from collectors.logs.parsers.understood import decoded
from collectors.logs.pipeline import Runs
from collectors.logs.segment import Budget
from collectors.logs.uid import uid_of

DETECTED_LEVEL = "detected_level"
_PUNCTUATION = frozenset(string.punctuation)
_TELLING = ("level", "trace_id", "span_id", "uid", "run")
"""Metadata that is different from line to line."""


class Scan(NamedTuple):
    """How files are read: from `since` to `until`, both inclusive, in ns. `skipped` gets the errors of containers
    that cannot be read; `cuts` are the boundaries set by time, by container."""

    since: int
    until: int
    forward: bool
    scratch: str
    budget: Budget
    cuts: Mapping[str, Sequence[tuple[str, int, int]]]
    skipped: list[str]


class Tally:
    """What a scan came across: entries that passed the filters of the lines."""

    def __init__(self) -> None:
        self.lines = 0


class LineJudge(Judge):
    """Wants entries of some streams whose redacted message passes a query's line filters."""

    def __init__(self, streams: Sequence[str], filters: Sequence[Callable[[str], bool]]) -> None:
        super().__init__(stream=",".join(streams))
        self._filters = filters

    def wants(self, entry: FileEntry, level: LevelOf = level_of) -> bool:
        """Judge one whole entry."""
        if entry.stream not in self.streams:
            return False
        if not self._filters:
            return True
        text = entry.message.decode("utf-8", "replace")
        return all(passes(text) for passes in self._filters)


def entries(
    query: ast.Query, plan: Plan, targets: Sequence[Chosen], scan: Scan, tally: Tally
) -> Iterator[Entry]:
    """Those that may be wanted, in order of time: oldest first when `scan` goes forward, else newest first."""
    filters = _filters(query, plan)
    literal = max(plan.literals(), key=len, default=None)
    needed = seen(query)
    sources = [_source(one, filters, literal, scan, tally, needed) for one in targets]
    return heapq.merge(*sources, key=lambda entry: entry.time, reverse=not scan.forward)


def seen(query: ast.Query) -> frozenset[str]:
    """Which of what lines tell of themselves (their level, their trace) can be seen in a query's result: where all
    is summed up by other labels, none."""
    nodes = list(ast.parts(query))
    ranges = sum(isinstance(node, ast.RangeAggregation) for node in nodes)
    if isinstance(query, ast.LogQuery) or sum(map(_sums_up, nodes)) < ranges:
        return frozenset(_TELLING)
    words = repr(query)
    return frozenset(name for name in _TELLING if name in words)


def _sums_up(node: object) -> bool:
    return (
        isinstance(node, ast.VectorAggregation)
        and node.op == "sum"
        and isinstance(node.expr, ast.RangeAggregation)
        and not (node.grouping and node.grouping.without)
        and node.expr.grouping is None
    )


def _filters(query: ast.Query, plan: Plan) -> list[Callable[[str], bool]]:
    """The line filters that may be asked before anything else; none where several selectors have their own."""
    queries = [node for node in ast.parts(query) if isinstance(node, ast.LogQuery)]
    if len(plan.selections) != 1 or len(queries) != 1:
        return []
    return [line_filter(stage) for stage in ahead.split(queries[0].stages)[0]]


def _source(
    one: Chosen,
    filters: Sequence[Callable[[str], bool]],
    literal: str | None,
    scan: Scan,
    tally: Tally,
    needed: frozenset[str],
) -> Iterator[Entry]:
    """The entries of one container."""
    make = _maker(one, needed)
    try:
        for entry in _read(one, LineJudge(list(one.labels), filters), literal, scan):
            tally.lines += 1
            yield make(entry)
    except (OSError, Unreadable) as error:
        scan.skipped.append(str(error))


def _read(one: Chosen, judge: Judge, literal: str | None, scan: Scan) -> Iterator[FileEntry]:
    cuts: set[Cut] = {
        (bytes.fromhex(key), offset, size) for key, offset, size in scan.cuts.get(one.target.id, ())
    }
    grep = None if literal is None else escaped(literal)
    log = log_kind(one.target)(
        one.target, judge, grep,
        since=scan.since, until=scan.until, scratch=scan.scratch, budget=scan.budget, cuts=cuts,
    )  # fmt: skip
    try:
        yield from log.forward() if scan.forward else log.backward()
    finally:
        log.close()


def escaped(text: str) -> str:
    """A text as an RE2 pattern."""
    return "".join(f"\\{char}" if char in _PUNCTUATION else char for char in text)


def _maker(one: Chosen, needed: frozenset[str]) -> Callable[[FileEntry], Entry]:
    """What makes a container's entries into those of LogQL, at no more cost than `needed` demands."""
    labels, constant = one.labels, stream_metadata(one.target)
    if needed - {"level"}:
        return _telling(one, constant)
    if not needed:
        return lambda entry: Entry(
            entry.time, labels[entry.stream], constant, decoded(entry.message)[0], len(entry.message)
        )
    level_of = level_reader(one.target.rule.parser)
    known = {level: {**constant, **_levels(level)} for level in (*LEVELS, None)}
    return lambda entry: Entry(
        entry.time,
        labels[entry.stream],
        known[level_of(entry.message)],
        decoded(entry.message)[0],
        len(entry.message),
    )


def _telling(one: Chosen, constant: dict[str, str]) -> Callable[[FileEntry], Entry]:
    parser = parser_of(one.target.rule.parser)
    runs = Runs(one.target)

    def made(entry: FileEntry) -> Entry:
        understood = understand(entry.message, parser)
        own = told(understood, runs.at(entry.time), uid_of(entry.key, entry.offset))
        metadata = {**constant, **own}
        return Entry(entry.time, one.labels[entry.stream], metadata, understood.message, len(entry.message))

    return made


def _levels(level: str | None) -> dict[str, str]:
    """The level, and Loki's name for it, which always has a value."""
    return {"level": level, DETECTED_LEVEL: level} if level else {DETECTED_LEVEL: UNKNOWN}


class Telling(Protocol):
    """What tells of itself: a message that was understood, or a record."""

    @property
    def level(self) -> str | None:
        """Its level."""
        ...

    @property
    def trace_id(self) -> str | None:
        """Its trace."""
        ...

    @property
    def span_id(self) -> str | None:
        """Its span."""
        ...


def told(understood: Telling, run: int | None, uid: str) -> dict[str, str]:
    """The structured metadata that is a line's own, as it is shipped; and Loki's `detected_level`."""
    found = _levels(understood.level)
    if run is not None:
        found["run"] = str(run)
    found["uid"] = uid
    if understood.trace_id:
        found["trace_id"] = understood.trace_id
    if understood.span_id:
        found["span_id"] = understood.span_id
    return found
