"""TCP sockets by state, once per network namespace."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family, gauge

_DIFFERENCE = "One set per network namespace, on its owner; as of a moment some seconds ago."
TCP_USAGE = gauge(
    "container_network_tcp_usage_total",
    "tcp",
    "TCP sockets over IPv4 by state, at present; a gauge in spite of its name.",
    "tcp_state",
    difference=_DIFFERENCE,
    proc="/proc/PID/net/tcp st",
)
TCP6_USAGE = gauge(
    "container_network_tcp6_usage_total",
    "tcp",
    "TCP sockets over IPv6 by state, at present; a gauge in spite of its name.",
    "tcp_state",
    difference=_DIFFERENCE,
    proc="/proc/PID/net/tcp6 st",
)

TCP: tuple[Family, ...] = (
    TCP_USAGE,
    TCP6_USAGE,
)
