"""UDP sockets, once per network namespace."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, gauge

_DIFFERENCE = "cAdvisor has rxqueued and txqueued the wrong way round. One set per network namespace, on its owner; as of a moment some seconds ago."
UDP_USAGE = gauge(
    "container_network_udp_usage_total",
    "udp",
    "UDP sockets over IPv4 (listen), bytes in their queues, and datagrams that the sockets there are dropped; a gauge in spite of its name.",
    "udp_state",
    compat=Compat.FIXED,
    difference=_DIFFERENCE,
    proc="/proc/PID/net/udp tx_queue, rx_queue, drops",
)
UDP6_USAGE = gauge(
    "container_network_udp6_usage_total",
    "udp",
    "UDP sockets over IPv6 (listen), bytes in their queues, and datagrams that the sockets there are dropped; a gauge in spite of its name.",
    "udp_state",
    compat=Compat.FIXED,
    difference=_DIFFERENCE,
    proc="/proc/PID/net/udp6 tx_queue, rx_queue, drops",
)

UDP: tuple[Family, ...] = (
    UDP_USAGE,
    UDP6_USAGE,
)
