"""Queries over the journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.logs.formats import Unreadable
from collectors.logs.journal.log import BLOCK, JournalLog
from collectors.logs.judge import Judge
from collectors.logs.record import LogTarget
from collectors.logs.segment import Budget, TooManyBytes
from collectors.logs.times import SECOND
from tests.unit.collectors.logs.journal.journals import Journal, needs_journal

pytestmark = needs_journal
T = 1_790_000_000


def log(
    target: LogTarget, judge: Judge | None = None, since: int = 0, until: int = 1 << 63, most: int = 1 << 30
) -> JournalLog:
    return JournalLog(
        target, judge or Judge(), None, since=since, until=until, scratch="", budget=Budget(most)
    )  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "j")


def test_both_directions_give_the_same_through_rotated_files(journal: Journal) -> None:
    count = BLOCK + BLOCK // 2
    for _ in range(2):
        journal.print(*[b"line %d" % number for number in range(count)], at=T)
        journal.rotate()
    reading = log(journal.target())
    forward = list(reading.forward())
    assert [one.message for one in forward] == [b"line %d" % number for number in range(count)] * 2
    assert list(reading.backward()) == forward[::-1]
    reading.close()


def test_parts_are_joined_across_blocks_in_both_directions(journal: Journal) -> None:
    part: dict[str, str | bytes] = {"CONTAINER_PARTIAL_MESSAGE": "true"}
    entries = [(b"%d" % number, part if number % 3 else {}) for number in range(2 * BLOCK + 10)]
    journal.append(entries, at=T)
    reading = log(journal.target())
    forward = list(reading.forward())
    assert forward[0].message == b"0"
    assert forward[1].message == b"123"
    assert sum(len(one.message) for one in forward) == sum(len(message) for message, _ in entries)
    assert list(reading.backward()) == forward[::-1]
    reading.close()


def test_the_judge_and_the_times_choose(journal: Journal) -> None:
    for second in range(60):
        journal.print(b"line %d" % second, at=T + second)
    since, until = (T + 20) * SECOND, (T + 30) * SECOND
    reading = log(journal.target(), Judge("5$"), since, until)
    assert [one.message for one in reading.forward()] == [b"line 25"]
    assert [one.message for one in reading.backward()] == [b"line 25"]
    reading.close()
    some = [one.message for one in log(journal.target(), None, since, until).backward()]
    assert some == [b"line %d" % second for second in range(29, 19, -1)]


def test_the_newest_come_without_reading_all(journal: Journal) -> None:
    journal.print(*[b"x" * 200 for _ in range(4 * BLOCK)], at=T)
    reading = log(journal.target())
    assert next(reading.backward()).message == b"x" * 200
    assert reading.budget.spent < 1_400_000
    reading.close()


def test_secrets_are_blacked_out(journal: Journal) -> None:
    journal.print(b"https://user:hunter2hunter2@example.org/", at=T)
    (entry,) = log(journal.target()).forward()
    assert b"hunter2" not in entry.message


def test_a_budget_ends_the_query(journal: Journal) -> None:
    journal.print(*[b"x" * 1000 for _ in range(1000)], at=T)
    reading = log(journal.target(), most=100_000)
    with pytest.raises(TooManyBytes):
        list(reading.forward())
    reading.close()


def test_a_journal_that_cannot_be_read_says_so(journal: Journal) -> None:
    target = journal.target()
    journal.directory.rmdir()
    with pytest.raises(Unreadable, match="status 1"):
        list(log(target).forward())
