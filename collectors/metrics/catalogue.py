"""Every metric as data: name, type, unit, help, labels, switch, and what it is to a cAdvisor user.

Exposition, the metrics reference, the dashboards' check and the compatibility table are made from this.
Families of one container's row come first, in the order of `ROW`; a value in a row stands at its
family's index. Where v1 and v2 differ, `difference` says how.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.StrEnum):
    """Type of a family as the exposition writes it."""

    COUNTER = "counter"
    GAUGE = "gauge"
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

    `labels` are the family's own, beside the base labels. `dead` tells how long its series outlive the
    container: `end` (gauges of use), `final` (counters, `metrics.keep_final`), `kept` (lifecycle,
    `metrics.keep_dead`).
    """

    name: str
    kind: Kind
    help: str
    collector: str
    unit: str = ""
    labels: tuple[str, ...] = ()
    compat: Compat = Compat.SAME
    difference: str = ""

    @property
    def dead(self) -> str:
        """How long its series outlive the container."""
        if self.collector == "lifecycle":
            return "kept"
        return "final" if self.kind in (Kind.COUNTER, Kind.UNKNOWN) else "end"
