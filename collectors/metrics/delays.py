"""What the tasks of a container waited for, by the kernel's delay accounting. About 6 µs per process of a container that ran."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import islice

from collectors.metrics import catalogue
from collectors.metrics.ledger import Figures, Ledgers
from collectors.metrics.plan import Census, Host, Pids
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported
from runtime.linux.taskstats import BATCH, Taskstats

_PLACE = catalogue.INDEX[catalogue.DELAY_SECONDS]


def probe(host: Host) -> tuple[Census, ...]:
    """Delays by resource, where the kernel counts them and tells this process."""
    switch = _switch(host.proc)
    if switch == "0":
        raise NotSupported(
            "the kernel does not count delays; set sysctl kernel.task_delayacct=1 or boot with delayacct, "
            "and restart the agent"
        )
    taskstats = Taskstats()
    if not switch and not taskstats.counts(1):
        taskstats.close()
        raise NotSupported("the kernel does not count delays; it needs CONFIG_TASK_DELAY_ACCT")
    ledgers = Ledgers(_walker(taskstats))
    count = _counter(ledgers, taskstats.resources)
    return (Census((catalogue.DELAY_SECONDS,), count, ledgers.forget, taskstats.close),)


def _switch(proc: str) -> str:
    """The sysctl; empty before Linux 5.14, which counts unless told not to at boot."""
    try:
        with open(f"{proc}/sys/kernel/task_delayacct", encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def _walker(
    taskstats: Taskstats,
) -> Callable[[Sequence[int]], Iterator[Iterable[tuple[Hashable, Figures]]]]:
    def walk(pids: Sequence[int]) -> Iterator[Iterable[tuple[Hashable, Figures]]]:
        left = iter(pids)
        while batch := tuple(islice(left, BATCH)):
            yield taskstats.delays(batch)

    return walk


def _counter(ledgers: Ledgers, resources: Sequence[str]) -> Callable[[str, Pids, list[Value]], None]:
    labels = tuple(f',resource="{name}"' for name in resources)

    def count(id: str, pids: Pids, values: list[Value]) -> None:
        if (totals := ledgers.totals(id, pids, values)) is not None:
            values[_PLACE] = tuple((label, total / 1e9) for label, total in zip(labels, totals, strict=True))

    return count
