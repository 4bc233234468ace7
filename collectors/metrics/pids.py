"""Threads and processes."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.metrics import catalogue
from collectors.metrics.plan import File, Host, Pace, Plan
from collectors.metrics.rows import Value

_THREADS = catalogue.INDEX[catalogue.THREADS]
_PROCESSES = catalogue.INDEX[catalogue.PROCESSES]


def probe(host: Host) -> tuple[Plan, ...]:
    """The pids controller, v1 or v2. Who is in a cgroup changes only when somebody forks, ends or moves."""
    host.hierarchy("pids")
    return (
        Plan((File("pids", "pids.current", keep=75),), (catalogue.THREADS,), _parse_threads),
        Plan((File("pids", "cgroup.procs"),), (catalogue.PROCESSES,), _parse_processes, Pace.STILL),
    )


def _parse_threads(contents: Sequence[bytes], values: list[Value]) -> None:
    if contents[0]:
        values[_THREADS] = int(contents[0])


def _parse_processes(contents: Sequence[bytes], values: list[Value]) -> None:
    # cgroup.procs of a threaded cgroup cannot be read: then the number is unknown, not 0.
    if contents[0] or values[_THREADS] == 0:
        values[_PROCESSES] = contents[0].count(b"\n")
