"""What the readings cost, and what the host offers of them."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, counter, gauge

COLLECTOR_SUPPORTED = gauge(
    "deckwatch_collector_supported",
    "agent",
    "1 when the host offers what the collector reads, else 0 and the reason.",
    "collector",
    "reason",
    compat=Compat.OWN,
)
COLLECTOR_DURATION = gauge(
    "deckwatch_collector_duration_seconds",
    "agent",
    "What the collector cost in the last reading.",
    "collector",
    unit="seconds",
    compat=Compat.OWN,
)
COLLECTOR_ERRORS = counter(
    "deckwatch_collector_errors_total",
    "agent",
    "Files the collector could not read or understand.",
    "collector",
    compat=Compat.OWN,
)
VANISHED = counter(
    "deckwatch_vanished_total", "agent", "Containers that ended while they were read.", compat=Compat.OWN
)
DESCRIPTORS_KEPT = gauge(
    "deckwatch_descriptors_kept", "agent", "Cgroup files and directories kept open.", compat=Compat.OWN
)
DESCRIPTORS_BUDGET = gauge(
    "deckwatch_descriptors_budget", "agent", "Most cgroup files and directories kept open.", compat=Compat.OWN
)

AGENT: tuple[Family, ...] = (
    COLLECTOR_SUPPORTED,
    COLLECTOR_DURATION,
    COLLECTOR_ERRORS,
    VANISHED,
    DESCRIPTORS_KEPT,
    DESCRIPTORS_BUDGET,
)
