"""Counters of TCP, once per network namespace: lost and refused segments and connections. About 120 µs each."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from collectors.metrics import catalogue
from collectors.metrics.plan import PROC, File, Host, Plan
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported

_PLACE = catalogue.INDEX[catalogue.TCP_STATS]
# The kernel's names; the label has them in small letters, as in cAdvisor. Source: RFC 4022, snmp_counter.rst.
_SNMP = (
    b"ActiveOpens",
    b"PassiveOpens",
    b"AttemptFails",
    b"EstabResets",
    b"InSegs",
    b"OutSegs",
    b"RetransSegs",
    b"InErrs",
    b"OutRsts",
)
_NETSTAT = (
    b"ListenOverflows",
    b"ListenDrops",
    b"TCPTimeouts",
    b"TCPSynRetrans",
    b"TCPLostRetransmit",
    b"TCPAbortOnData",
    b"TCPAbortOnClose",
    b"TCPAbortOnMemory",
    b"TCPAbortOnTimeout",
    b"TCPBacklogDrop",
    b"TCPReqQFullDrop",
)

Columns = tuple[tuple[int, str], ...]


def probe(host: Host) -> tuple[Plan, ...]:
    """net/netstat and net/snmp of the process that owns the namespace."""
    if not os.path.exists(f"{host.proc}/self/net/netstat"):
        raise NotSupported("the kernel has no TCP")
    return (Plan((File(PROC, "net/netstat"), File(PROC, "net/snmp")), (catalogue.TCP_STATS,), _parser()),)


def _parser() -> Callable[[Sequence[bytes], list[Value]], None]:
    netstat, snmp = _reader(b"TcpExt: ", _NETSTAT), _reader(b"Tcp: ", _SNMP)

    def parse(contents: Sequence[bytes], values: list[Value]) -> None:
        values[_PLACE] = (*snmp(contents[1]), *netstat(contents[0])) or None

    return parse


def _reader(prefix: bytes, names: Sequence[bytes]) -> Callable[[bytes], list[tuple[str, int]]]:
    """What a file says of these names: a line of names after the prefix, and one of values."""
    known: dict[bytes, Columns] = {}

    def read(content: bytes) -> list[tuple[str, int]]:
        lines = [line for line in content.split(b"\n") if line.startswith(prefix)]
        if len(lines) < 2:
            return []
        heading, line = lines[:2]
        if heading not in known:
            known.clear()
            known[heading] = _columns(heading.split(), names)
        fields = line.split()
        return [(label, int(fields[column])) for column, label in known[heading]]

    return read


def _columns(heading: Sequence[bytes], names: Sequence[bytes]) -> Columns:
    return tuple(
        (heading.index(name), f',tcp_state="{name.decode().lower()}"') for name in names if name in heading
    )
