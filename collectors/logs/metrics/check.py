"""Whether a metric can be made: its name, its labels, its buckets; and which of several with one name is."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence

from collectors.logs.judge import Judge
from collectors.logs.metrics.measured import stem
from collectors.logs.rule import LogMetric
from runtime.linux.errors import DeckwatchError

MOST_METRICS = 32
"""Metrics of one container."""
MOST_LABELS = 5
MOST_BUCKETS = 32
MOST_VALUES = 1000
_LONGEST = 100
_LONGEST_HELP = 500
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.A)
# What stands behind the name of a family in the names of its samples, which no other family's name may be.
_ENDS = ("_total", "_bucket", "_sum", "_count", "_created", "_info", "_gsum", "_gcount")
_BASE = frozenset(("id", "name", "image", "namespace", "pod", "container"))
_CONTAINER_LABEL = "container_label_"
_OWN = "log_"


class BadMetric(DeckwatchError):
    """A metric that cannot be made."""


def check(metric: LogMetric) -> None:
    """Raises BadMetric, or BadQuery for what it matches, when a metric cannot be made."""
    Judge(metric.grep or None, metric.level or None)
    name = stem(metric)
    if not _is_name(name) or name.endswith(_ENDS):
        raise BadMetric(
            f"the metric's name {metric.name[:_LONGEST]!r} is none; give 1 to {_LONGEST} of a-z A-Z 0-9 _ , "
            f"without a digit first and without {', '.join(_ENDS)} at its end"
        )
    if len(metric.help) > _LONGEST_HELP:
        raise BadMetric(f"metric {name}: its help has {len(metric.help)} characters; give {_LONGEST_HELP}")
    if metric.kind == "histogram" and not metric.value:
        raise BadMetric(f"metric {name}: a histogram of nothing; name the field to observe as its value")
    if not 1 <= metric.max_values <= MOST_VALUES:
        raise BadMetric(f"metric {name}: max_values is {metric.max_values}; give 1 to {MOST_VALUES}")
    _check_labels(name, [label for label, _ in metric.labels])
    _check_buckets(name, metric.buckets)


def distinct(metrics: Sequence[LogMetric]) -> tuple[list[LogMetric], list[str]]:
    """The first of each name, `MOST_METRICS` at most, and what is to be told of those left out."""
    kept: dict[str, LogMetric] = {}
    told: list[str] = []
    for metric in metrics:
        first = kept.get(stem(metric))
        if first is None and len(kept) == MOST_METRICS:
            told.append(f"metric {metric.name}: a container has {MOST_METRICS} at most; it is left out")
        elif first is None:
            kept[stem(metric)] = metric
        elif first != metric:
            told.append(
                f"metric {metric.name} is there twice; the first counts, give the other one another name"
            )
    return list(kept.values()), told


def exposed(label: str) -> str:
    """The label as it is exposed: one that every series of a container has already gets `log_` before it."""
    return f"{_OWN}{label}" if label in _BASE or label.startswith(_CONTAINER_LABEL) else label


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _LONGEST and _NAME.fullmatch(text) is not None


def _check_labels(name: str, labels: Sequence[str]) -> None:
    if len(labels) > MOST_LABELS:
        raise BadMetric(f"metric {name}: {len(labels)} labels; the most are {MOST_LABELS}")
    for label in labels:
        if not _is_name(label) or label.startswith("__") or label == "le":
            raise BadMetric(f"metric {name}: {label[:_LONGEST]!r} is no name of a label of its own")
    if len({exposed(label) for label in labels}) < len(labels):
        raise BadMetric(
            f"metric {name}: two labels of one name; the container's own get `{_OWN}` before them"
        )


def _check_buckets(name: str, buckets: Sequence[float]) -> None:
    if len(buckets) > MOST_BUCKETS:
        raise BadMetric(f"metric {name}: {len(buckets)} buckets; the most are {MOST_BUCKETS}")
    rising = all(lower < upper for lower, upper in itertools.pairwise(buckets))
    if not rising or not all(math.isfinite(bound) for bound in buckets):
        raise BadMetric(f"metric {name}: bounds of buckets are finite and rise; `+Inf` is always added")
