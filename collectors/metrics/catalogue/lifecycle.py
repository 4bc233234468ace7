"""What happened to containers, over all their runs."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, counter, gauge

OOM_KILLS = counter(
    "container_oom_kills_total",
    "lifecycle",
    "Processes killed for want of memory, over all runs.",
    compat=Compat.OWN,
)
EXITS = counter("container_exits_total", "lifecycle", "Ended runs.", "reason", compat=Compat.OWN)
RESTARTS = counter("container_restarts_total", "lifecycle", "Restarts.", compat=Compat.OWN)
STATE = gauge(
    "container_state",
    "lifecycle",
    "1 for the state the container is in, 0 for the rest.",
    "state",
    compat=Compat.OWN,
)
LAST_EXIT_CODE = gauge(
    "container_last_exit_code",
    "lifecycle",
    "Exit code of the last ended run; absent when unknown.",
    compat=Compat.OWN,
)
HEALTH_STATE = gauge(
    "container_health_state",
    "lifecycle",
    "1 healthy, 0 not (yet) healthy, -1 without a health check.",
    compat=Compat.FIXED,
    difference="Without id, as all lifecycle series; cAdvisor has it for Docker alone.",
)

LIFECYCLE: tuple[Family, ...] = (
    OOM_KILLS,
    EXITS,
    RESTARTS,
    STATE,
    LAST_EXIT_CODE,
    HEALTH_STATE,
)
