"""What was counted of one metric: it is saved with the place in the log, told to the agent, and exposed."""

from __future__ import annotations

from typing import Literal

import msgspec

from collectors.logs.rule import LogMetric

TOTAL = "_total"


class Exemplar(msgspec.Struct, frozen=True):
    """One observation that belongs to a trace. `time` is the message's, in epoch seconds."""

    value: float
    trace_id: str
    time: float


class Series(msgspec.Struct):
    """One series of a metric. `values` are those of its labels, in their order.

    `total` is the counter, or the sum of what a histogram observed; `buckets` are its counts, each of the values up to
    one bound and above the one before, the last of those above all; `exemplars` the newest of some buckets.
    """

    values: tuple[str, ...] = ()
    total: float = 0.0
    buckets: list[int] = []
    exemplars: dict[int, Exemplar] = {}


class Measured(msgspec.Struct):
    """A metric and its series. `name` is its own, without prefix and without `_total`."""

    name: str
    kind: Literal["counter", "histogram"] = "counter"
    help: str = ""
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    series: list[Series] = []

    @classmethod
    def of(cls, metric: LogMetric) -> Measured:
        """The metric without any series yet."""
        buckets = metric.buckets if metric.kind == "histogram" else ()
        labels = tuple(label for label, _ in metric.labels)
        return cls(stem(metric), metric.kind, metric.help, labels, buckets)

    def goes_on(self, before: Measured) -> bool:
        """Whether what was counted before is of the same metric."""
        return (self.name, self.kind, self.labels, self.buckets) == (
            before.name,
            before.kind,
            before.labels,
            before.buckets,
        )


def stem(metric: LogMetric) -> str:
    """A metric's name without `_total`, which is put behind each counter's."""
    return metric.name.removesuffix(TOTAL) if metric.kind == "counter" else metric.name
