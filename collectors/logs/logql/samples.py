"""From an entry to the sample that it gives for a range aggregation: series and value."""

from __future__ import annotations

from collections.abc import Callable, Collection

from collectors.logs.logql import quantities
from collectors.logs.logql.ast import Grouping, RangeAggregation
from collectors.logs.logql.conditions import condition
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.line import Entry, Line
from collectors.logs.logql.pipeline import Pipeline, needed
from collectors.logs.logql.vector import NONE, Labels, labels_of, shown

ERROR = "SampleExtractionErr"
_KEPT = 4096
_SHORT = 1024
_READERS: dict[str, Callable[[str], float]] = {
    "": quantities.number,
    "duration": lambda text: quantities.duration(text) / 1e9,
    "duration_seconds": lambda text: quantities.duration(text) / 1e9,
    "bytes": lambda text: float(quantities.size(text)),
}


class Sampler:
    """`grouping` is the aggregation's own, or that of a sum around it, which so never sees the single series.

    `hidden` are metadata that name one entry (its id, its trace): they tell no series apart, unless asked for.
    """

    def __init__(self, node: RangeAggregation, grouping: Grouping | None, hidden: Collection[str]) -> None:
        unwrap = node.range.unwrap
        self._unwrap = unwrap.label if unwrap else ""
        self._read = _READERS[unwrap.conversion] if unwrap else float
        self._filters = [condition(each.condition) for each in unwrap.filters] if unwrap else []
        self._names = grouping.labels if grouping and not grouping.without else None
        named = set(grouping.labels) if grouping and grouping.without else set()
        self._without = frozenset(named | set(hidden) | ({self._unwrap} if unwrap else set()))
        self._pipeline = Pipeline(node.range.query, self._wanted(node))
        self._bytes = node.op in ("bytes_over_time", "bytes_rate")
        self._streams: dict[tuple[object, ...], tuple[object, Labels]] = {}
        self._known: dict[tuple[str, ...], Labels] = {}

    def _wanted(self, node: RangeAggregation) -> frozenset[str] | None:
        if self._names is None:
            return None
        unwrap = node.range.unwrap
        names = needed(node.range.query.stages) | needed(unwrap.filters if unwrap else ())
        return names | set(self._names) | ({self._unwrap} if self._unwrap else frozenset())

    def sample(self, entry: Entry) -> tuple[Labels, float] | None:
        """Series and value; None for an entry that gives none. Raises LogQLError for one that failed in a stage."""
        line = self._pipeline.run(entry)
        if line is None:
            return None
        value = 1.0
        if self._unwrap:
            unwrapped = self._unwrapped(line)
            if unwrapped is None:
                return None
            value = unwrapped
        elif self._bytes:
            value = float(len(line.text.encode()) if self._pipeline.changes_lines else entry.size)
        if line.error:
            raise _failed(line)
        return self._series(line), value

    def _unwrapped(self, line: Line) -> float | None:
        text = line.get(self._unwrap)
        if not text:
            return None
        value = 0.0
        try:
            value = self._read(text)
        except ValueError as error:
            line.fail(ERROR, str(error))
        return value if all(passes(line) for passes in self._filters) else None

    def _series(self, line: Line) -> Labels:
        names = self._names
        if names is None:
            return labels_of(line.labels(self._without)) if line.parsed or line.gone else self._told(line)
        if not names:
            return NONE
        values = tuple([line.get(name) for name in names])
        known = self._known.get(values)
        if known is None:
            known = labels_of(dict(zip(names, values, strict=True)))
            if len(self._known) < _KEPT and sum(map(len, values)) <= _SHORT:
                self._known[values] = known
        return known

    def _told(self, line: Line) -> Labels:
        """The series of a line whose stages found nothing; it is made once for a stream and its metadata."""
        without = self._without
        key = (id(line.stream), *[item for item in line.metadata.items() if item[0] not in without])
        told = self._streams.get(key)
        if told is None:
            if len(self._streams) >= _KEPT:
                self._streams.clear()
            # The stream's labels are kept along, so that no other mapping gets their identity.
            told = self._streams[key] = (line.stream, labels_of(line.labels(without)))
        return told[1]


def _failed(line: Line) -> LogQLError:
    return LogQLError(
        f"pipeline error: '{line.error}' for series: '{shown(labels_of(line.labels()))[:1000]}';"
        f' leave such lines out with | __error__=""'
    )
