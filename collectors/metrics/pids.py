"""Threads and processes."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.metrics import catalogue
from collectors.metrics.plan import File, Host, Plan
from collectors.metrics.rows import Value

_THREADS = catalogue.INDEX[catalogue.THREADS]
_PROCESSES = catalogue.INDEX[catalogue.PROCESSES]


def probe(host: Host) -> Plan:
    """The pids controller, v1 or v2."""
    keep = 85 if host.hierarchy("pids").version == 1 else 50
    return Plan((File("pids", "pids.current", keep), File("pids", "cgroup.procs")), _parse)


def _parse(contents: Sequence[bytes], values: list[Value]) -> None:
    current, processes = contents
    if current:
        values[_THREADS] = int(current)
        # cgroup.procs of a threaded cgroup cannot be read: then the number is unknown, not 0.
        if processes or current == b"0\n":
            values[_PROCESSES] = processes.count(b"\n")
    elif processes:
        values[_PROCESSES] = processes.count(b"\n")
