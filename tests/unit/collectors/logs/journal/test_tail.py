"""Following one container's messages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from collectors.logs.entry import Entry
from collectors.logs.formats import Unreadable
from collectors.logs.journal.stream import QUIET, Streams
from collectors.logs.journal.tail import JournalTail
from collectors.logs.positions import Positions, Progress
from collectors.logs.record import LogTarget
from collectors.logs.rule import LogMetric, Rule
from collectors.logs.start import Start
from collectors.logs.tail import FLUSH
from collectors.logs.uid import uid_of
from tests.eventually import eventually
from tests.unit.collectors.logs.journal.journals import Journal, needs_journal

BEGINNING = Start.of("beginning", 0)


class Clock:
    """A time that is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Reader:
    """A tail, and what it gave."""

    def __init__(
        self,
        target: LogTarget,
        progress: Progress | None = None,
        start: Start = BEGINNING,
        *,
        counting: bool = True,
    ) -> None:
        self.entries: list[Entry] = []
        self.clock = Clock()
        streams = Streams(clock=self.clock)
        self.tail = JournalTail(
            target, progress or Progress(), start, streams, counting=counting, clock=self.clock
        )
        self.tail.listener = self.entries.extend

    def read(self, count: int) -> list[Entry]:
        """Step until there are so many entries."""
        eventually(lambda: self.tail.step() or len(self.entries) >= count, f"{count} entries")
        eventually(lambda: not self.tail.step() and len(self.entries) >= count, f"{count} entries")
        return self.entries


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    yield Journal(tmp_path / "j")


@needs_journal
def test_entries_come_as_printed_and_are_counted(journal: Journal) -> None:
    journal.print(b"one", b"ERROR two\nlines")
    journal.print(b"three", PRIORITY="3")
    reader = Reader(journal.target())
    entries = reader.read(3)
    assert [(one.message, one.stream) for one in entries] == [
        (b"one", "stdout"), (b"ERROR two\nlines", "stdout"), (b"three", "stderr")
    ]  # fmt: skip
    counters = reader.tail.counters
    assert counters.bytes == {"stdout": 20, "stderr": 6}
    assert counters.messages == {"unknown": 2, "error": 1}
    reader.tail.close()


@needs_journal
def test_a_tail_goes_on_where_another_was_saved(journal: Journal, tmp_path: Path) -> None:
    parts: dict[str, str | bytes] = {"CONTAINER_PARTIAL_MESSAGE": "true", "CONTAINER_PARTIAL_ID": "p"}
    journal.append([(b"one", {}), (b"half ", {**parts, "CONTAINER_PARTIAL_ORDINAL": "1"})])
    first = Reader(journal.target())
    first.read(1)
    assert first.tail.pending
    positions = Positions(str(tmp_path / "p.db"), Progress)
    positions.save([("/a", first.tail.saved())], 0)
    first.tail.close()
    journal.rotate()
    journal.append(
        [(b"whole", {"CONTAINER_PARTIAL_ID": "p", "CONTAINER_PARTIAL_ORDINAL": "2"}), (b"three", {})]
    )
    second = Reader(journal.target(), positions.of("/a"))
    assert [one.message for one in second.read(2)] == [b"half whole", b"three"]
    assert second.tail.counters.lines["stdout"] == 3
    second.tail.close()
    positions.close()


@needs_journal
def test_uids_are_the_same_on_every_reading(journal: Journal) -> None:
    journal.print(b"one", b"two")
    first, second = Reader(journal.target()), Reader(journal.target(), counting=False)
    uids = [[uid_of(one.key, one.offset) for one in reader.read(2)] for reader in (first, second)]
    assert uids[0] == uids[1]
    assert len(set(uids[0])) == 2
    assert second.tail.counters.lines["stdout"] == 0
    first.tail.close()
    second.tail.close()


@needs_journal
def test_what_journald_dropped_is_counted_to_the_message(journal: Journal) -> None:
    def told(ordinal: int) -> dict[str, str | bytes]:
        return {"CONTAINER_LOG_EPOCH": "e", "CONTAINER_LOG_ORDINAL": str(ordinal)}

    journal.append([(b"a", told(1)), (b"b", told(2))])
    first = Reader(journal.target(), counting=False)
    first.read(2)
    progress = first.tail.saved()
    first.tail.close()
    journal.file.unlink()
    journal.append([(b"c", told(10)), (b"d", told(11))])
    second = Reader(journal.target(), progress, counting=False)
    second.read(2)
    assert second.tail.counters.dropped == {"journal_gap": 7}
    second.tail.close()


@needs_journal
def test_the_start_leaves_out_what_is_older(journal: Journal) -> None:
    now = time.time()
    journal.print(b"old", at=now - 7200)
    journal.print(b"new", at=now - 60)
    reader = Reader(journal.target(), start=Start.of(3600.0, now))
    assert [one.message for one in reader.read(1)] == [b"new"]
    reader.tail.close()


@needs_journal
def test_a_start_is_kept_before_anything_was_read(journal: Journal) -> None:
    now = time.time()
    first = Reader(journal.target(), start=Start.of("end", now))
    progress = first.tail.saved()
    journal.print(b"later", at=time.time() + 1)
    second = Reader(journal.target(), progress, start=Start.of("end", now + 100))
    assert [one.message for one in second.read(1)] == [b"later"]
    second.tail.close()


@needs_journal
def test_one_that_counts_waits_until_its_container_has_finished(journal: Journal) -> None:
    journal.print(b"one")
    reader = Reader(journal.target())
    reader.read(1)
    assert reader.tail.waiting
    assert reader.tail.at_end()
    reader.tail.retarget(journal.target(finished=True))
    assert not reader.tail.step()
    assert reader.tail.waiting
    reader.clock.now += QUIET
    assert not reader.tail.step()
    assert not reader.tail.waiting
    reader.tail.park()
    journal.print(b"two")
    assert [one.message for one in reader.read(2)] == [b"one", b"two"]
    reader.tail.close()


@needs_journal
def test_boundaries_set_by_time_are_another_readers_too(journal: Journal) -> None:
    journal.append([(b"half", {"CONTAINER_PARTIAL_MESSAGE": "true"})])
    first, second = Reader(journal.target()), Reader(journal.target(), counting=False)
    for reader in (first, second):
        eventually(lambda reader=reader: reader.tail.step() or reader.tail.pending, "a part")
    assert not first.tail.flush()
    first.clock.now += FLUSH
    assert first.tail.flush()
    second.tail.settle(first.tail.boundaries)
    assert [(one.message, one.partial) for one in first.entries] == [(b"half", True)]
    assert first.entries == second.entries
    first.tail.close()
    second.tail.close()


def test_a_source_that_names_no_entries_is_refused(tmp_path: Path) -> None:
    target = Journal(tmp_path / "j").target("MESSAGE=a")
    with pytest.raises(Unreadable):
        Reader(target)


@needs_journal
def test_metrics_are_made_of_what_is_printed(journal: Journal) -> None:
    journal.print(b"GET /a", b"PUT /b", b"GET /c")
    rule = Rule(metrics=(LogMetric(name="gets", grep="^GET"),))
    reader = Reader(msgspec.structs.replace(journal.target(), rule=rule))
    reader.read(3)
    (metric,) = reader.tail.counters.metrics
    assert metric.series[0].total == 2
    reader.tail.retarget(journal.target())
    assert reader.tail.counters.metrics == []
    reader.tail.close()
