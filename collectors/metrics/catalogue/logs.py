"""What containers print."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, counter, gauge

LOG_BYTES = counter(
    "container_log_bytes_total",
    "logs",
    "Bytes that the container printed, as far as its log was read.",
    "stream",
    unit="bytes",
    compat=Compat.OWN,
)
LOG_LINES = counter("container_log_lines_total", "logs", "Lines of log read.", "stream", compat=Compat.OWN)
LOG_MESSAGES = counter(
    "container_log_messages_total", "logs", "Log entries, multi-line ones once.", "level", compat=Compat.OWN
)
LOG_DROPPED = counter(
    "container_log_dropped_total",
    "logs",
    "Log entries given up; with size unknown gaps, each of one entry or more.",
    "reason",
    "size",
    compat=Compat.OWN,
)
LOG_LAG = gauge(
    "container_log_lag_seconds",
    "logs",
    "Age of the oldest log line not yet read.",
    unit="seconds",
    compat=Compat.OWN,
)

LOGS: tuple[Family, ...] = (
    LOG_BYTES,
    LOG_LINES,
    LOG_MESSAGES,
    LOG_DROPPED,
    LOG_LAG,
)
