"""What the scheduler counts of a container's tasks. About 14 µs per process, and 11 µs for each further thread."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from collectors.cgroups.procs import content_of, threads_of
from collectors.metrics import catalogue
from collectors.metrics.ledger import Figures, Ledgers
from collectors.metrics.plan import Census, Host, Pids
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported

_RUN_SECONDS = catalogue.INDEX[catalogue.SCHED_RUN_SECONDS]
_RUNQUEUE_SECONDS = catalogue.INDEX[catalogue.SCHED_RUNQUEUE_SECONDS]
_RUN_PERIODS = catalogue.INDEX[catalogue.SCHED_RUN_PERIODS]


def probe(host: Host) -> tuple[Census, ...]:
    """schedstat of each thread; source: Documentation/scheduler/sched-stats.rst."""
    content = content_of(f"{host.proc}/self/schedstat")
    if not content:
        raise NotSupported("the kernel has no /proc/PID/schedstat; it needs CONFIG_SCHED_INFO")
    if not any(map(int, content.split())):
        raise NotSupported("the kernel does not count what /proc/PID/schedstat tells; boot with delayacct")
    ledgers = Ledgers(_walker(host.proc))
    return (Census(catalogue.SCHED, _counter(ledgers), ledgers.forget),)


def _walker(proc: str) -> Callable[[Sequence[int]], Iterator[Iterable[tuple[Hashable, Figures]]]]:
    def walk(pids: Sequence[int]) -> Iterator[Iterable[tuple[Hashable, Figures]]]:
        for pid in pids:
            for thread in threads_of(pid, proc):
                if content := content_of(f"{proc}/{pid}/task/{thread}/schedstat"):
                    run, wait, periods = map(int, content.split())
                    yield ((thread, (run, wait, periods)),)

    return walk


def _counter(ledgers: Ledgers) -> Callable[[str, Pids, list[Value]], None]:
    def count(id: str, pids: Pids, values: list[Value]) -> None:
        if (totals := ledgers.totals(id, pids, values)) is not None:
            run, wait, periods = totals
            values[_RUN_SECONDS] = run / 1e9
            values[_RUNQUEUE_SECONDS] = wait / 1e9
            values[_RUN_PERIODS] = periods

    return count
