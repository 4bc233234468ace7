"""A range aggregation over a stream of entries: one vector for each step."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import NamedTuple

from collectors.logs.logql.aggregates import result_of, state_of
from collectors.logs.logql.ast import Grouping, Matcher, RangeAggregation
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.line import Entry
from collectors.logs.logql.samples import Sampler
from collectors.logs.logql.vector import Labels, Vector, labels_of, size_of, too_many
from collectors.logs.logql.window import Window

SERIES_FACTOR = 20
MAX_VALUES = 4_000_000
MAX_LABEL_BYTES = 64 << 20


class Steps(NamedTuple):
    """The times of an evaluation: `number` of them from `start`, `step` apart, in ns."""

    start: int
    step: int
    number: int

    @property
    def end(self) -> int:
        """The last time."""
        return self.time(self.number - 1)

    def time(self, index: int) -> int:
        """The time of a step."""
        return self.start + index * self.step

    def since(self, time: int) -> int:
        """The first step at or after a time."""
        return -((self.start - time) // self.step)


class RangeSeries:
    """Fed with entries in the order of time, it gives the vector of a step as soon as that is complete.

    Within it, up to `SERIES_FACTOR` times as many series as a result may have can be under way, with labels of
    `MAX_LABEL_BYTES` characters in all.
    """

    def __init__(
        self,
        node: RangeAggregation,
        grouping: Grouping | None,
        steps: Steps,
        *,
        hidden: Collection[str],
        max_series: int,
    ) -> None:
        self.ready: deque[Vector] = deque()
        self._node = node
        self._sampler = Sampler(node, grouping, hidden)
        self._steps = steps
        self._offset = node.range.offset
        self._range = node.range.range
        self._empty, self._result = state_of(node), result_of(node)
        self._windows: dict[Labels, Window] = {}
        self._limit = max_series * SERIES_FACTOR
        self._label_bytes = 0
        self._values_left = MAX_VALUES if node.op == "quantile_over_time" else None
        self._next = 0
        self._last = -1
        self._until = -(1 << 63)

    def add(self, entry: Entry) -> bool:
        """Take an entry; True when it completed a step."""
        time = entry.time + self._offset
        completed = time > self._until and self._move(time)
        if self._last >= 0:
            sample = self._sampler.sample(entry)
            if sample is not None:
                self._put(sample[0], self._last, time, sample[1])
        return completed

    def _move(self, time: int) -> bool:
        """On to the pane of a time: entries up to `_until` count for the same steps, the last one is `_last`, or
        none at all when that is -1. True when this completes a step."""
        first = min(max(self._steps.since(time), self._next), self._steps.number)
        last = min(self._steps.since(time + self._range), self._steps.number) - 1
        completed = first > self._next
        self._complete(first)
        self._last = last if last >= first else -1
        leaves = self._steps.time(last + 1) - self._range
        self._until = min(self._steps.time(first), leaves) if leaves >= time else self._steps.time(first)
        return completed

    def finish(self) -> None:
        """Complete all steps: no entry comes any more."""
        self._complete(self._steps.number)

    def _put(self, labels: Labels, last: int, time: int, value: float) -> None:
        window = self._windows.get(labels)
        if window is None:
            if len(self._windows) >= self._limit:
                raise too_many(self._limit)
            self._label_bytes += size_of(labels)
            if self._label_bytes > MAX_LABEL_BYTES:
                raise LogQLError("the labels of the series are too long; aggregate with sum by (…)")
            window = self._windows[labels] = Window(self._empty)
        if self._values_left is not None:
            self._values_left -= 1
            if self._values_left < 0:
                raise LogQLError(f"quantile_over_time takes at most {MAX_VALUES} values in one query")
        window.add(last, time, value)

    def _complete(self, until: int) -> None:
        while self._next < until:
            self.ready.append(self._vector(self._next))
            self._next += 1

    def _vector(self, step: int) -> Vector:
        end = self._steps.time(step)
        vector: Vector = {}
        ended: list[Labels] = []
        for labels, window in self._windows.items():
            state = window.at(step)
            if state is None:
                ended.append(labels)
            else:
                vector[labels] = self._result(state, end)
        for labels in ended:
            del self._windows[labels]
            self._label_bytes -= size_of(labels)
        if self._node.op == "absent_over_time":
            return {} if vector else {absent_labels(self._node.range.query.matchers): 1.0}
        return vector


def absent_labels(matchers: tuple[Matcher, ...]) -> Labels:
    """The labels of what is absent: those that a selector demands by an equal sign, and once."""
    names = [matcher.name for matcher in matchers]
    return labels_of(
        {each.name: each.value for each in matchers if each.op == "=" and names.count(each.name) == 1}
    )
