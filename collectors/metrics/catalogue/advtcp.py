"""Counters of TCP, once per network namespace."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, counter

TCP_STATS = counter(
    "container_network_advance_tcp_stats_total",
    "advtcp",
    "Counters of TCP in the container's network namespace: segments, retransmissions, resets, full queues, failures.",
    "tcp_state",
    compat=Compat.FIXED,
    difference="A counter, and of cAdvisor's 100 values those 20 that only grow and tell of trouble or put it in proportion. One set per network namespace, on its owner.",
    proc="/proc/PID/net/snmp Tcp, /proc/PID/net/netstat TcpExt",
)

ADVTCP: tuple[Family, ...] = (TCP_STATS,)
