"""What a metric family is: name, type, unit, help, labels, switch, sources, and what it is to a cAdvisor user."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class Kind(enum.StrEnum):
    """Type of a family as the exposition writes it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"
    UNKNOWN = "unknown"  # a cAdvisor counter without `_total`: counter in text 0.0.4, unknown in OpenMetrics


class Compat(enum.StrEnum):
    """What the family is to somebody who comes from cAdvisor."""

    SAME = "same"
    FIXED = "fixed"
    OWN = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric family. `name` is the sample name; `collector` its switch in the configuration.

    `labels` are the family's own, beside the base labels. `v1` and `v2` name the file, and the key in it, that
    the value comes from under each cgroup version, "" where there is none; `proc` one that is the same for
    both. `right` is what reading it takes beyond an ordinary user's rights. `dead` tells how long its series outlive the
    container: `end` (gauges of use), `final` (counters, `metrics.keep_final`), `kept` (lifecycle,
    `metrics.keep_dead`); `outlives` names it where the kind does not tell.
    """

    name: str
    kind: Kind
    help: str
    collector: str
    unit: str = ""
    labels: tuple[str, ...] = ()
    compat: Compat = Compat.SAME
    difference: str = ""
    v1: str = ""
    v2: str = ""
    proc: str = ""
    right: str = ""
    outlives: str = ""

    @property
    def dead(self) -> str:
        """How long its series outlive the container."""
        if self.outlives:
            return self.outlives
        if self.collector == "lifecycle":
            return "kept"
        return "final" if self.kind in (Kind.COUNTER, Kind.UNKNOWN) else "end"


def counter(name: str, collector: str, help: str, *labels: str, unit: str = "", **more: Any) -> Family:
    """A counter; `more` are further fields of Family."""
    return Family(
        name=name, kind=Kind.COUNTER, help=help, collector=collector, labels=labels, unit=unit, **more
    )


def gauge(name: str, collector: str, help: str, *labels: str, unit: str = "", **more: Any) -> Family:
    """A gauge; `more` are further fields of Family."""
    return Family(
        name=name, kind=Kind.GAUGE, help=help, collector=collector, labels=labels, unit=unit, **more
    )
