"""The metrics that rules make from messages, as families of a scrape: `container_log_metric_NAME`."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable

import structlog

from agent.exposition.columns import Deferred
from agent.exposition.escaping import labels_text, valid
from collectors.logs.metrics.check import exposed
from collectors.logs.metrics.measured import TOTAL, Exemplar, Measured, Series
from collectors.metrics.catalogue import Compat, Family, Kind

log = structlog.get_logger()

PREFIX = "container_log_metric_"
CLASH = "log_metric_clash"
_MOST_TOLD = 1000
_AT_ONCE = 50
_KINDS = {"counter": Kind.COUNTER, "histogram": Kind.HISTOGRAM}


class LogMetrics:
    """Puts together what containers measured under one name. Where two of them mean different things by a name the
    first counts, and of the other one it is told once."""

    def __init__(self, tell: Callable[[str], None] = lambda text: log.warning(CLASH, error=text)) -> None:
        self._tell = tell
        self._told: set[str] = set()

    def sections(self, measured: Iterable[tuple[str, Measured]]) -> list[tuple[Family, Deferred]]:
        """Families in the order of their names, of (base labels of a container, one of its metrics)."""
        first: dict[str, Measured] = {}
        makers: dict[str, list[Callable[[bool], str]]] = {}
        for base, one in measured:
            meant = first.setdefault(one.name, one)
            if (one.kind, one.buckets) != (meant.kind, meant.buckets):
                self._tell_once(
                    f"{one.name} of {{{base}}} has another kind or other buckets than that of others"
                )
                continue
            makers.setdefault(one.name, []).extend(_makers(base, one))
        return [(_family(first[name]), Deferred(makers[name])) for name in sorted(makers) if makers[name]]

    def _tell_once(self, text: str) -> None:
        if text not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(text)
            self._tell(f"{text}; it is left out, give it another name")


def _family(one: Measured) -> Family:
    suffix = TOTAL if one.kind == "counter" else ""
    help = valid(one.help) or "Made from messages of containers, after a rule for their logs."
    return Family(
        name=f"{PREFIX}{one.name}{suffix}",
        kind=_KINDS[one.kind],
        help=help,
        collector="logs",
        labels=one.labels,
        compat=Compat.OWN,
    )


def _makers(base: str, one: Measured) -> list[Callable[[bool], str]]:
    lines = _counters if one.kind == "counter" else _histograms
    parts = (one.series[at : at + _AT_ONCE] for at in range(0, len(one.series), _AT_ONCE))
    return [functools.partial(lines, base, one, part) for part in parts]


def _labels(base: str, one: Measured, series: Series) -> str:
    pairs = zip(one.labels, series.values, strict=True)
    own = labels_text((exposed(label), value) for label, value in pairs if value)
    return f"{base},{own}" if own else base


def _counters(base: str, one: Measured, several: list[Series], openmetrics: bool) -> str:
    name = f"{PREFIX}{one.name}{TOTAL}"
    return "".join(f"{name}{{{_labels(base, one, each)}}} {_number(each.total)}\n" for each in several)


def _histograms(base: str, one: Measured, several: list[Series], openmetrics: bool) -> str:
    return "".join(_histogram(one, each, _labels(base, one, each), openmetrics) for each in several)


def _histogram(one: Measured, series: Series, labels: str, openmetrics: bool) -> str:
    name = f"{PREFIX}{one.name}"
    bounds = [*map(repr, one.buckets), "+Inf"]
    counts = list(itertools.accumulate(series.buckets))
    lines = [
        f'{name}_bucket{{{labels},le="{bound}"}} {count}'
        + (_exemplar(series.exemplars[place]) if openmetrics and place in series.exemplars else "")
        for place, (bound, count) in enumerate(zip(bounds, counts, strict=True))
    ]
    lines += [f"{name}_sum{{{labels}}} {_number(series.total)}", f"{name}_count{{{labels}}} {counts[-1]}", ""]
    return "\n".join(lines)


def _exemplar(one: Exemplar) -> str:
    return f" # {{{labels_text([('trace_id', one.trace_id)])}}} {_number(one.value)} {one.time:.3f}"


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value.is_integer() and value < 1e15 else repr(value)
