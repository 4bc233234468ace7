"""Traffic of network interfaces, once per network namespace."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, counter

_NETNS = 'One set per network namespace, on its owner; the host\'s only on id="/".'
RECEIVE_BYTES = counter(
    "container_network_receive_bytes_total",
    "network",
    "Bytes received.",
    "interface",
    unit="bytes",
    compat=Compat.FIXED,
    difference=_NETNS,
    proc="/proc/PID/net/dev receive bytes",
)
RECEIVE_PACKETS = counter(
    "container_network_receive_packets_total",
    "network",
    "Packets received.",
    "interface",
    compat=Compat.FIXED,
    difference=_NETNS,
    proc="/proc/PID/net/dev receive packets",
)
RECEIVE_ERRORS = counter(
    "container_network_receive_errors_total",
    "network",
    "Errors while receiving.",
    "interface",
    compat=Compat.FIXED,
    difference=_NETNS,
    proc="/proc/PID/net/dev receive errs",
)
RECEIVE_DROPPED = counter(
    "container_network_receive_packets_dropped_total",
    "network",
    "Received packets dropped.",
    "interface",
    compat=Compat.FIXED,
    difference=_NETNS,
    proc="/proc/PID/net/dev receive drop",
)
TRANSMIT_BYTES = counter(
    "container_network_transmit_bytes_total",
    "network",
    "Bytes sent.",
    "interface",
    unit="bytes",
    compat=Compat.FIXED,
    difference=_NETNS,
    proc="/proc/PID/net/dev transmit bytes",
)
TRANSMIT_PACKETS = counter(
    "container_network_transmit_packets_total",
    "network",
    "Packets sent.",
    "interface",
    compat=Compat.FIXED,
    difference=_NETNS,
    proc="/proc/PID/net/dev transmit packets",
)
TRANSMIT_ERRORS = counter(
    "container_network_transmit_errors_total",
    "network",
    "Errors while sending.",
    "interface",
    compat=Compat.FIXED,
    difference=_NETNS,
    proc="/proc/PID/net/dev transmit errs",
)
TRANSMIT_DROPPED = counter(
    "container_network_transmit_packets_dropped_total",
    "network",
    "Packets dropped while sending.",
    "interface",
    compat=Compat.FIXED,
    difference=_NETNS,
    proc="/proc/PID/net/dev transmit drop",
)

NETWORK: tuple[Family, ...] = (
    RECEIVE_BYTES,
    RECEIVE_PACKETS,
    RECEIVE_ERRORS,
    RECEIVE_DROPPED,
    TRANSMIT_BYTES,
    TRANSMIT_PACKETS,
    TRANSMIT_ERRORS,
    TRANSMIT_DROPPED,
)
