"""Makes the metrics of one container from what it prints."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

from collectors.logs.clean import cleaned
from collectors.logs.entry import Entry
from collectors.logs.judge import Judge
from collectors.logs.levels import UNKNOWN
from collectors.logs.metrics.check import distinct
from collectors.logs.metrics.fields import label_in, number_in
from collectors.logs.metrics.measured import Exemplar, Measured, Series
from collectors.logs.parse import Understood, understand_many
from collectors.logs.parsers import parser_of
from collectors.logs.redact import redactor
from collectors.logs.rule import LogMetric, Rule
from collectors.logs.times import SECOND

OTHER = "other"
MOST_SAMPLES = 2000
"""Samples of one container's metrics; series beyond them are counted together, as `other`."""
_OF_HISTOGRAM = 3
"""Samples of a histogram beside those of its bounds: the last bucket, the sum, the count."""


class Meter:
    """One container's metrics, kept in `measured`: what was counted before goes on there when it is of the same metric.

    Messages are redacted before anything is taken from them; those withheld do not count.
    """

    def __init__(self, rule: Rule, measured: list[Measured]) -> None:
        self._redactor = redactor(rule.redact)
        self._parser = parser_of(rule.parser)
        before = {one.name: one for one in measured}
        room = _Room()
        metrics, _ = distinct(rule.metrics)
        self._counts = [_Count(metric, before.get(Measured.of(metric).name), room) for metric in metrics]
        measured[:] = [one.measured for one in self._counts]

    def take(self, entries: Sequence[Entry]) -> None:
        """Count some whole entries."""
        entries = cleaned(entries, self._redactor)
        messages = [entry.message for entry in entries]
        matching = [(one, one.matching(messages)) for one in self._counts]
        needed = sorted({index for one, found in matching if one.reads for index in found})
        read = understand_many([messages[index] for index in needed], self._parser) if needed else ()
        understood = dict(zip(needed, read, strict=True))
        for one, found in matching:
            if not one.reads:
                one.add(len(found))
                continue
            for index in found:
                one.take(entries[index], understood[index])


def meter_of(rule: Rule, measured: list[Measured]) -> Meter | None:
    """What makes a rule's metrics, kept in `measured`; None when it makes none."""
    if rule.metrics:
        return Meter(rule, measured)
    measured.clear()
    return None


class _Room:
    """How many samples a container's metrics may have yet."""

    def __init__(self) -> None:
        self._left = MOST_SAMPLES

    def take(self, samples: int) -> bool:
        """Take room for a series; whether there is enough."""
        if samples > self._left:
            return False
        self._left -= samples
        return True


class _Count:
    """One metric's counting."""

    def __init__(self, metric: LogMetric, before: Measured | None, room: _Room) -> None:
        judge = Judge(metric.grep or None, metric.level or None)
        self._pattern, self._levels = judge.pattern, judge.levels
        self._metric = metric
        self._room = room
        self.measured = Measured.of(metric)
        self.reads = bool(metric.level or metric.value or metric.labels)
        """Whether it takes more from a message than that it is there."""
        self._samples = len(metric.buckets) + _OF_HISTOGRAM if metric.kind == "histogram" else 1
        if before is not None and self.measured.goes_on(before):
            self.measured.series = before.series
            room.take(self._samples * len(before.series))
        self._series = {one.values: one for one in self.measured.series}
        self._values: list[set[str]] = [set() for _ in metric.labels]
        for one in self.measured.series:
            self._remember(one.values)
        if not metric.labels and not self._series:
            self._made(())

    def matching(self, messages: Sequence[bytes]) -> Sequence[int]:
        """The numbers of the messages that its pattern matches."""
        if self._pattern is None:
            return range(len(messages))
        search = self._pattern.search
        return [index for index, message in enumerate(messages) if search(message)]

    def add(self, count: int) -> None:
        """Count messages of which nothing else is asked."""
        self._series[()].total += count

    def take(self, entry: Entry, told: Understood) -> None:
        """Count a message that matches, if it has the level and the value."""
        if self._levels and (told.level or UNKNOWN) not in self._levels:
            return
        value = number_in(self._metric.value, told) if self._metric.value else 1.0
        if value is None:
            return
        series = self._of(tuple(label_in(field, entry, told) for _, field in self._metric.labels))
        series.total += value
        if series.buckets:
            place = bisect.bisect_left(self._metric.buckets, value)
            series.buckets[place] += 1
            if told.trace_id:
                series.exemplars[place] = Exemplar(value, told.trace_id, entry.time / SECOND)

    def _of(self, values: tuple[str, ...]) -> Series:
        """The series of some values, or the one that they are counted in when there are too many."""
        found = self._series.get(values)
        if found is not None:
            return found
        values = tuple(self._bounded(place, value) for place, value in enumerate(values))
        found = self._series.get(values)
        if found is None and not self._room.take(self._samples):
            values = (OTHER,) * len(values)
            found = self._series.get(values)
        return found if found is not None else self._made(values)

    def _bounded(self, place: int, value: str) -> str:
        known = self._values[place]
        if value in known or not value or len(known) < self._metric.max_values:
            return value
        return OTHER

    def _made(self, values: tuple[str, ...]) -> Series:
        buckets = [0] * (len(self._metric.buckets) + 1) if self._metric.kind == "histogram" else []
        series = Series(values, 0.0, buckets, {})
        self.measured.series.append(series)
        self._series[values] = series
        self._remember(values)
        return series

    def _remember(self, values: tuple[str, ...]) -> None:
        for known, value in zip(self._values, values, strict=True):
            if value not in ("", OTHER):
                known.add(value)
