"""Totals of tasks that come and go."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

import pytest

from collectors.metrics import catalogue
from collectors.metrics.ledger import Figures, Ledgers
from collectors.metrics.rows import Value

CPU = catalogue.INDEX[catalogue.CPU_USAGE]


class Tasks:
    """What each process counts, told one process a step; each step lets a second go by."""

    def __init__(self) -> None:
        self.figures: dict[int, Figures] = {}
        self.now = 0.0
        self.asked: list[int] = []

    def walk(self, pids: Sequence[int]) -> Iterator[Iterable[tuple[Hashable, Figures]]]:
        for pid in pids:
            self.now += 1
            self.asked.append(pid)
            if pid in self.figures:
                yield ((pid, self.figures[pid]),)

    def clock(self) -> float:
        return self.now


def _cpu(usage: float | None) -> list[Value]:
    values: list[Value] = [None] * len(catalogue.ROW)
    values[CPU] = usage
    return values


def _read(
    ledgers: Ledgers, tasks: Tasks, figures: Mapping[int, Figures], cpu: float | None = None
) -> Figures | None:
    tasks.figures = dict(figures)
    totals = ledgers.totals("/a", lambda: sorted(figures), _cpu(cpu))
    return None if totals is None else list(totals)


@pytest.fixture
def tasks() -> Tasks:
    return Tasks()


@pytest.fixture
def ledgers(tasks: Tasks) -> Ledgers:
    return Ledgers(tasks.walk, limit=100, clock=tasks.clock)


def test_sums_grow_as_processes_come_and_never_fall_as_they_go(tasks: Tasks, ledgers: Ledgers) -> None:
    assert _read(ledgers, tasks, {1: (10, 1)}) == [10, 1]
    assert _read(ledgers, tasks, {1: (15, 1), 2: (100, 0)}) == [115, 1]
    assert _read(ledgers, tasks, {1: (20, 2)}) == [120, 2]
    assert _read(ledgers, tasks, {}) == [120, 2]
    assert _read(ledgers, tasks, {1: (21, 2)}) == [121, 2]


def test_a_pid_in_other_hands_is_another_process(tasks: Tasks, ledgers: Ledgers) -> None:
    assert _read(ledgers, tasks, {1: (10, 9)}) == [10, 9]
    assert _read(ledgers, tasks, {1: (12, 3)}) == [22, 12]


def test_nothing_is_told_of_a_container_without_processes(tasks: Tasks, ledgers: Ledgers) -> None:
    assert _read(ledgers, tasks, {}) is None


def test_containers_are_told_apart_and_a_forgotten_one_begins_anew(tasks: Tasks, ledgers: Ledgers) -> None:
    _read(ledgers, tasks, {1: (10,)})
    tasks.figures[7] = (3,)
    assert ledgers.totals("/b", lambda: [7], _cpu(None)) == [3]
    ledgers.forget("/a")
    ledgers.forget("/never")
    assert _read(ledgers, tasks, {1: (12,)}) == [12]


def test_a_container_that_did_not_run_is_not_asked(tasks: Tasks, ledgers: Ledgers) -> None:
    _read(ledgers, tasks, {1: (10,)}, cpu=0.5)
    tasks.asked.clear()
    assert _read(ledgers, tasks, {1: (11,)}, cpu=0.5) == [10]
    assert not tasks.asked
    assert _read(ledgers, tasks, {1: (11,)}, cpu=0.6) == [11]


def test_what_takes_too_long_is_gone_on_with_in_the_next_pass(tasks: Tasks) -> None:
    ledgers = Ledgers(tasks.walk, limit=2, clock=tasks.clock)
    everybody = dict.fromkeys(range(5), (1,))
    told = [_read(ledgers, tasks, everybody, cpu=0.5) for _ in range(4)]
    assert told == [[2], [4], [5], [5]]
    assert tasks.asked == [0, 1, 2, 3, 4]
    # The next round counts what has grown since, and nobody twice.
    everybody = dict.fromkeys(range(5), (3,))
    assert [_read(ledgers, tasks, everybody, cpu=0.7) for _ in range(3)] == [[9], [13], [15]]


def test_what_ran_while_a_round_was_under_way_is_told_in_the_next(tasks: Tasks) -> None:
    ledgers = Ledgers(tasks.walk, limit=2, clock=tasks.clock)
    assert _read(ledgers, tasks, dict.fromkeys(range(3), (1,)), cpu=0.5) == [2]
    later = dict.fromkeys(range(3), (2,))
    told = [_read(ledgers, tasks, later, cpu=0.6) for _ in range(4)]
    assert told == [[4], [6], [6], [6]]


def test_an_error_half_way_counts_nobody_twice(tasks: Tasks) -> None:
    class Refusing(Tasks):
        refuses = False

        def walk(self, pids: Sequence[int]) -> Iterator[Iterable[tuple[Hashable, Figures]]]:
            for step in super().walk(pids):
                yield step
                if self.refuses:
                    raise PermissionError(1, "not permitted")

    refusing = Refusing()
    ledgers = Ledgers(refusing.walk, limit=100, clock=refusing.clock)
    assert _read(ledgers, refusing, {1: (10,), 2: (20,)}) == [30]
    refusing.refuses = True
    with pytest.raises(PermissionError):
        _read(ledgers, refusing, {1: (11,), 2: (21,)})
    refusing.refuses = False
    assert _read(ledgers, refusing, {1: (12,), 2: (22,)}) == [34]
