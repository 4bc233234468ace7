"""When a container started and was last read."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, gauge

START_TIME = gauge(
    "container_start_time_seconds",
    "times",
    "When the container started, in seconds since the epoch.",
    unit="seconds",
    proc="the engine's word, else starttime of /proc/PID/stat",
)
CREATION_TIME = gauge(
    "container_creation_time_seconds",
    "times",
    "When the container was created, in seconds since the epoch.",
    unit="seconds",
    difference="Absent where the engine does not tell.",
    proc="the engine's word",
)
LAST_SEEN = gauge(
    "container_last_seen",
    "times",
    "When the container was last read, in seconds since the epoch; frozen at its end.",
    compat=Compat.FIXED,
    difference="Frozen at the container's end, where cAdvisor tells the time of the scrape.",
    outlives="final",
    proc="clock_gettime",
)

TIMES: tuple[Family, ...] = (
    START_TIME,
    CREATION_TIME,
    LAST_SEEN,
)
