"""The agent's metrics about itself: what its readings cost, what it could not do, what it left out."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.registry import Collector

from agent.exposition.escaping import LONGEST_VALUE, Cuts, valid
from agent.exposition.selfprocess import ProcessFigures
from collectors.metrics import catalogue
from collectors.metrics.catalogue import Compat, Family, Kind
from collectors.metrics.rows import Number, Reading


def _own(name: str, kind: Kind, help: str, *labels: str, unit: str = "") -> Family:
    return Family(
        name=name, kind=kind, help=help, labels=labels, unit=unit, collector="agent", compat=Compat.OWN
    )


BUILD_INFO = _own(
    "deckwatch_build_info",
    Kind.INFO,
    "Version of the agent and of its Python; always 1.",
    "version",
    "python",
)
FINAL_SAMPLE_MISSED = _own(
    "deckwatch_final_sample_missed_total",
    Kind.COUNTER,
    "Containers whose cgroup was gone before its final reading.",
)
FINAL_SAMPLES_DROPPED = _own(
    "deckwatch_final_samples_dropped_total",
    Kind.COUNTER,
    "Final readings given up before metrics.keep_final because too many containers ended at once.",
)
SERIES_DROPPED = _own(
    "deckwatch_series_dropped_total",
    Kind.COUNTER,
    "Series left out of scrapes because of metrics.series_limit.",
)
LABELS_CUT = _own(
    "deckwatch_label_values_cut_total",
    Kind.COUNTER,
    f"Label values cut to {LONGEST_VALUE} characters.",
)
RESCANS = _own(
    "deckwatch_cgroup_rescans_total",
    Kind.COUNTER,
    "Walks over all cgroups because events about them were lost or refused.",
    "reason",
)
EVENTS = _own("deckwatch_events_total", Kind.COUNTER, "Lifecycle events told of.", "type")
EVENTS_LOST = _own(
    "deckwatch_events_unstored_total", Kind.COUNTER, "Lifecycle events that the disk never took."
)
HTTP_REQUESTS = _own(
    "deckwatch_http_requests_total", Kind.COUNTER, "HTTP requests answered.", "route", "code"
)
SCRAPE_DURATION = _own(
    "deckwatch_scrape_duration_seconds",
    Kind.GAUGE,
    "What the last complete scrape took from the request to its last byte.",
    unit="seconds",
)
PROCESS_RESTARTS = _own(
    "deckwatch_process_restarts_total",
    Kind.COUNTER,
    "Helper processes of the agent that ended and were started again.",
    "process",
)
CONTAINERS = _own(
    "deckwatch_containers",
    Kind.GAUGE,
    "Containers and other cgroups with a name that are known, by engine, role and state.",
    "engine",
    "role",
    "state",
)
INVENTORY_UP = _own(
    "deckwatch_inventory_available", Kind.GAUGE, "1 while the source of containers answers.", "source"
)
LIVE_STREAMS = _own("deckwatch_live_streams", Kind.GAUGE, "Live streams of events and logs being served.")

FAMILIES: tuple[Family, ...] = (
    BUILD_INFO,
    *catalogue.AGENT,
    *catalogue.SHIPPING,
    FINAL_SAMPLE_MISSED,
    FINAL_SAMPLES_DROPPED,
    SERIES_DROPPED,
    LABELS_CUT,
    RESCANS,
    EVENTS,
    EVENTS_LOST,
    HTTP_REQUESTS,
    SCRAPE_DURATION,
    PROCESS_RESTARTS,
    CONTAINERS,
    INVENTORY_UP,
    LIVE_STREAMS,
)
"""Everything that the agent says about itself, beside `process_*` and `python_info`."""

LabelValues = tuple[str, ...]
Reader = Callable[[], Number | Mapping[LabelValues, Number]]

# Kinds of trouble that a careless label could multiply: further ones are counted together.
_MOST_SERIES = 500
_OTHER = "other"


class SelfMetrics(Collector):
    """The agent's registry. Counters are added to, gauges are read from where the truth is at each scrape."""

    def __init__(self, version: str = "", *, proc: str = "/proc") -> None:
        self.registry = CollectorRegistry()
        self._values: dict[Family, dict[LabelValues, Number]] = {
            family: {} for family in FAMILIES if family.kind is Kind.COUNTER
        }
        self._readers: dict[Family, Reader] = {LABELS_CUT: lambda: Cuts.count}
        version = version or importlib.metadata.version("deckwatch")
        self._values[BUILD_INFO] = {(version, platform.python_version()): 1}
        for family in FAMILIES:
            if family.kind is Kind.COUNTER and not family.labels:
                self._values[family] = {(): 0}
        self.registry.register(self)
        self.registry.register(ProcessFigures(proc))
        PlatformCollector(registry=self.registry)

    def add(self, family: Family, *labels: str, amount: Number = 1) -> None:
        """Add to a counter of `FAMILIES`; its label values in the family's order."""
        values = self._values[family]
        if labels not in values and len(values) >= _MOST_SERIES:
            labels = (_OTHER,) * len(labels)
        values[labels] = values.get(labels, 0) + amount

    def expect(self, family: Family, *labels: str) -> None:
        """Let a counter exist at 0, so that its first increase is seen."""
        self._values[family].setdefault(labels, 0)

    def read(self, family: Family, reader: Reader) -> None:
        """Ask `reader` at each scrape: for one number, or for numbers by label values."""
        self._readers[family] = reader

    def put(self, family: Family, value: Number) -> None:
        """Set a gauge without labels."""
        self._values[family] = {(): value}

    def final_sample_missed(self) -> None:
        """A container's cgroup was gone before its final reading."""
        self.add(FINAL_SAMPLE_MISSED)

    def series_dropped(self, count: int) -> None:
        """So many series were left out of a scrape."""
        self.add(SERIES_DROPPED, amount=count)

    def rescanned(self, reason: str) -> None:
        """All cgroups were walked again."""
        self.add(RESCANS, reason)

    def observe(self, reading: Reading) -> None:
        """Take over what a pass over the host cost and could not read."""
        self._values[catalogue.COLLECTOR_DURATION] = {
            (collector,): seconds for collector, seconds in reading.durations.items()
        }
        for collector in reading.durations:
            self.expect(catalogue.COLLECTOR_ERRORS, collector)
        for collector, errors in reading.errors.items():
            self.add(catalogue.COLLECTOR_ERRORS, collector, amount=errors)
        if reading.vanished:
            self.add(catalogue.VANISHED, amount=reading.vanished)

    def support(self, reasons: Mapping[str, str]) -> None:
        """Which collectors the host supports: an empty reason, else why not."""
        self._values[catalogue.COLLECTOR_SUPPORTED] = {
            (collector, valid(reason)): int(not reason) for collector, reason in sorted(reasons.items())
        }

    def describe(self) -> list[Metric]:
        """Names for the registry's check that no family is there twice."""
        return [_metric(family, {}) for family in FAMILIES]

    def collect(self) -> Iterator[Metric]:
        """All families that have a value now."""
        for family in FAMILIES:
            values = self._read(family) if family in self._readers else self._values.get(family)
            if values:
                yield _metric(family, values)

    def _read(self, family: Family) -> Mapping[LabelValues, Number]:
        answer = self._readers[family]()
        return answer if isinstance(answer, Mapping) else {(): answer}


def _metric(family: Family, values: Mapping[LabelValues, Number]) -> Metric:
    suffix = {Kind.COUNTER: "_total", Kind.INFO: "_info"}.get(family.kind, "")
    name = family.name.removesuffix(suffix)
    metric = Metric(
        name, family.help, str(family.kind), family.unit if name.endswith(f"_{family.unit}") else ""
    )
    for labels, value in values.items():
        metric.add_sample(family.name, dict(zip(family.labels, labels, strict=True)), value)
    return metric
