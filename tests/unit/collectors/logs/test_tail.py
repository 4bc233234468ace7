from __future__ import annotations

import gzip
import os
import pathlib
from collections.abc import Iterator, Sequence

import msgspec
import pytest

from collectors.logs import succession
from collectors.logs import tail as tail_module
from collectors.logs.counters import ROTATED_AWAY
from collectors.logs.entry import MAX_ENTRY, Entry
from collectors.logs.positions import Progress
from collectors.logs.record import LogTarget
from collectors.logs.rule import LogMetric, Rule
from collectors.logs.start import Start
from collectors.logs.tail import Tail
from collectors.model import LogSource
from tests.unit.collectors.logs.formats.test_docker_json import written
from tests.unit.collectors.logs.logfile import LogFile, zipped

BEGINNING = Start(float("-inf"))


class Reader:
    """A tail that can be killed and started again, and what it handed over."""

    def __init__(self, path: pathlib.Path, start: Start = BEGINNING) -> None:
        self.path = path
        self.start = start
        self.saved = msgspec.msgpack.encode(Progress())
        self.messages: list[bytes] = []
        self.entries: list[Entry] = []
        self.tail = self._tail()

    def _tail(self) -> Tail:
        target = LogTarget(id="/x", source=LogSource(path=str(self.path), format="cri"), container={})
        progress = msgspec.msgpack.decode(self.saved, type=Progress)
        tail = Tail(target, progress, self.start, str(self.path.parent))
        tail.listener = self._take
        return tail

    def _take(self, entries: Sequence[Entry]) -> None:
        self.entries += entries
        self.messages += [entry.message for entry in entries]

    def read(self) -> None:
        """All there is, past the time for which a rotated file is held."""
        while self.tail.step() or (self.tail.waiting and self.tail.step()):
            pass

    def restart(self) -> None:
        """As after a kill: what was committed is all that is left."""
        self.saved = msgspec.msgpack.encode(self.tail.saved())
        self.tail.close()
        self.tail = self._tail()

    @property
    def numbers(self) -> list[int]:
        return [int(message.split()[1]) for message in self.messages if message.startswith(b"number")]


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(succession, "GRACE", 0.0)


@pytest.fixture
def log(tmp_path: pathlib.Path) -> LogFile:
    directory = tmp_path / "logs"
    directory.mkdir()
    return LogFile(directory / "current.log")


@pytest.fixture
def reader(log: LogFile) -> Iterator[Reader]:
    one = Reader(log.path)
    yield one
    one.tail.close()


def test_a_log_that_is_not_there_yet(log: LogFile, reader: Reader) -> None:
    reader.read()
    log.numbers(3)
    reader.read()
    assert reader.numbers == [0, 1, 2]


def test_rotation_by_rename_and_several_between_two_looks(log: LogFile, reader: Reader) -> None:
    for rotations in (0, 1, 2, 5):
        for _ in range(rotations):
            log.numbers(10)
            log.rename()
        log.numbers(10)
        reader.read()
    assert reader.numbers == list(range(log.count))


def test_rotated_files_that_were_compressed_meanwhile(log: LogFile, reader: Reader) -> None:
    log.numbers(10)
    reader.read()
    log.numbers(5)
    for _ in range(3):
        rotated = log.rename()
        log.numbers(5)
        zipped(rotated)
    reader.read()
    assert reader.numbers == list(range(log.count))


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("rotations", [1, 3])
def test_a_restart_finds_its_place_in_a_rotated_file(
    log: LogFile, reader: Reader, rotations: int, compress: bool
) -> None:
    log.numbers(10)
    reader.read()
    log.numbers(7)
    reader.restart()
    for _ in range(rotations):
        rotated = log.rename()
        if compress:
            zipped(rotated)
        log.numbers(7)
    reader.read()
    assert reader.numbers == list(range(log.count))
    assert reader.tail.counters.lines["stdout"] == log.count
    assert reader.tail.counters.dropped == {}


def test_a_restart_with_nothing_new_reads_nothing_again(log: LogFile, reader: Reader) -> None:
    log.numbers(1000)
    for _ in range(5):
        reader.read()
        reader.restart()
    assert reader.numbers == list(range(1000))


def test_what_rotated_away_is_a_gap_and_what_came_later_is_read(log: LogFile, reader: Reader) -> None:
    log.numbers(10)
    reader.read()
    log.numbers(5)
    reader.restart()
    gone = log.rename()
    log.numbers(5)
    log.rename()
    log.numbers(5)
    gone.unlink()
    reader.read()
    assert reader.numbers == [*range(10), *range(15, 25)]
    assert reader.tail.counters.dropped == {ROTATED_AWAY: 1}


def test_unlinked_and_made_anew_with_the_same_inode(log: LogFile, reader: Reader) -> None:
    log.numbers(10)
    reader.read()
    reader.restart()
    inode = log.path.stat().st_ino
    log.path.unlink()
    log.numbers(20)
    if log.path.stat().st_ino != inode:
        # This file system did not reuse it by itself: same inode, other content.
        content = log.path.read_bytes()
        reader.tail.progress.place = msgspec.structs.replace(
            reader.tail.progress.place, inode=log.path.stat().st_ino
        )
        log.path.write_bytes(content)
    reader.read()
    assert reader.numbers == list(range(30))
    assert reader.tail.counters.dropped == {ROTATED_AWAY: 1}


def test_replaced_while_open_the_old_one_is_read_to_its_end(log: LogFile, reader: Reader) -> None:
    log.numbers(10)
    reader.read()
    log.numbers(10)
    fresh = LogFile(log.path.with_name("fresh"))
    fresh.time, fresh.count = log.time, log.count
    fresh.numbers(10)
    os.rename(fresh.path, log.path)
    reader.read()
    assert reader.numbers == list(range(30))
    assert reader.tail.counters.dropped == {}


def test_what_is_destroyed_while_its_predecessor_is_held_is_read(
    log: LogFile, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(succession, "GRACE", 1000.0)
    log.numbers(3)
    reader.tail.step()
    for _ in range(2):
        log.rename().unlink()
        log.numbers(3)
        while reader.tail.step():
            pass
    monkeypatch.setattr(succession, "GRACE", 0.0)
    reader.read()
    assert reader.numbers == list(range(9))
    assert reader.tail.counters.dropped == {}


def test_late_words_into_a_rotated_file_are_read(
    log: LogFile, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(succession, "GRACE", 1000.0)
    log.numbers(3)
    reader.tail.step()
    rotated = log.rename()
    log.write("rest", tag="F")
    while reader.tail.step():
        pass
    assert reader.tail.waiting
    with open(rotated, "ab") as file:
        file.write(log.line("half ", tag="P"))
    monkeypatch.setattr(succession, "GRACE", 0.0)
    reader.read()
    assert reader.messages[-1] == b"half rest"


def test_copied_and_truncated_the_copy_has_the_rest(log: LogFile, reader: Reader) -> None:
    log.numbers(10)
    reader.read()
    log.numbers(10)
    log.copytruncate()
    log.numbers(5)
    reader.read()
    log.numbers(1)
    reader.read()
    assert reader.numbers == list(range(26))
    assert reader.tail.counters.dropped == {}


def test_truncated_and_grown_beyond_the_place(log: LogFile, reader: Reader) -> None:
    log.numbers(10)
    reader.read()
    log.copytruncate()
    log.numbers(50)
    reader.read()
    assert reader.numbers == list(range(60))


def test_truncated_without_a_copy_is_a_gap(log: LogFile, reader: Reader) -> None:
    log.numbers(10)
    reader.read()
    os.truncate(log.path, 0)
    reader.read()
    log.numbers(5)
    reader.read()
    assert reader.numbers == list(range(15))
    assert reader.tail.counters.dropped == {ROTATED_AWAY: 1}


def test_a_writer_that_cuts_its_last_lines_and_writes_them_again(log: LogFile, reader: Reader) -> None:
    log.numbers(100)
    reader.read()
    lines = log.path.read_bytes().splitlines(keepends=True)
    os.truncate(log.path, sum(map(len, lines[:90])))
    reader.read()
    assert reader.tail.waiting
    log.count = 90
    log.numbers(20)
    reader.read()
    assert reader.numbers == list(range(110))
    assert reader.tail.counters.lines["stdout"] == 110


def test_parts_are_joined_over_rotation_and_restart(log: LogFile, reader: Reader) -> None:
    log.write("one ", tag="P")
    log.write("err ", tag="P", stream="stderr")
    reader.read()
    reader.restart()
    log.rename()
    log.write("two ", tag="P")
    reader.read()
    reader.restart()
    zipped(log.rename())
    log.write("three")
    log.write("end", stream="stderr")
    reader.read()
    assert reader.messages == [b"one two three", b"err end"]
    assert reader.entries[0].offset == 0
    assert reader.tail.counters.lines == {"stdout": 1, "stderr": 1}


def test_a_line_without_an_end_is_given_out_in_time_and_its_boundary_kept(
    log: LogFile, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.write("Password: ", tag="P")
    reader.read()
    assert not reader.tail.flush()
    monkeypatch.setattr(tail_module, "FLUSH", 0.0)
    assert reader.tail.flush()
    reader.restart()
    log.write("secret")
    reader.read()
    assert [(entry.message, entry.partial) for entry in reader.entries] == [
        (b"Password: ", True),
        (b"secret", False),
    ]
    ((_, offset, size),) = reader.tail.progress.cuts
    assert (offset, size) == (0, 10)


def test_a_line_without_an_end_has_its_time_again_after_a_restart(log: LogFile, reader: Reader) -> None:
    log.write("half", tag="P")
    reader.read()
    reader.restart()
    assert reader.tail.pending
    assert not reader.tail.flush()


def test_a_torn_last_line_of_a_rotated_file_is_marked(log: LogFile, reader: Reader) -> None:
    log.numbers(2)
    log.append(b"2026-11-24T02:1")
    log.rename()
    log.numbers(2)
    reader.read()
    assert reader.numbers == [0, 1, 2, 3]
    assert [entry.message for entry in reader.entries if entry.error] == [b"2026-11-24T02:1"]


def test_garbage_never_stops_a_file(log: LogFile, reader: Reader) -> None:
    log.numbers(1)
    log.append(b"\0" * 5000 + b"\n")
    log.append(b'{"log":"half\n')
    log.append(b"\xff\xfe\n")
    log.append(b"x" * 10_000_000 + b"\n")
    log.numbers(1)
    reader.read()
    assert reader.numbers == [0, 1]
    assert [len(entry.message) for entry in reader.entries if entry.error] == [12, 2, MAX_ENTRY]
    assert reader.tail.counters.dropped == {"cut": 1}


def test_a_restart_inside_a_huge_line(log: LogFile, reader: Reader) -> None:
    log.append(b"x" * 1_000_000)
    reader.read()
    reader.restart()
    log.append(b"x" * 1_000_000 + b"\n")
    log.numbers(1)
    reader.read()
    assert reader.numbers == [0]
    assert len(reader.entries) == 2


def test_the_end_and_a_time_to_start_at(log: LogFile) -> None:
    log.numbers(10)
    log.rename()
    log.numbers(10)
    middle = (log.time - 5_500_000) / 1e9
    log.numbers(10)
    for start, first in ((Start(float("inf")), 30), (Start(middle), 14), (BEGINNING, 0)):
        reader = Reader(log.path, start)
        reader.read()
        log.numbers(1)
        reader.read()
        assert reader.numbers[0] == min(first, log.count - 1)
        assert reader.numbers == list(range(reader.numbers[0], log.count))
        reader.tail.close()


def test_counting_alone_gives_the_same_counts(log: LogFile) -> None:
    for _ in range(3):
        log.numbers(500)
        log.write("a ", tag="P")
        log.rename()
        log.write("b", "ERROR c", stream="stdout")
    read, counted = Reader(log.path), Reader(log.path)
    counted.tail.listener = None
    for one in (read, counted):
        one.read()
        one.tail.close()
    assert counted.messages == []
    assert counted.tail.counters == read.tail.counters
    assert read.tail.counters.messages["error"] == 3


def test_the_same_entry_has_the_same_key_on_every_reading(log: LogFile, reader: Reader) -> None:
    log.numbers(5)
    reader.read()
    zipped(log.rename())
    log.numbers(5)
    again = Reader(log.path)
    reader.read()
    again.read()
    again.tail.close()
    assert [(e.key, e.offset) for e in again.entries] == [(e.key, e.offset) for e in reader.entries]


def test_a_parked_log_goes_on(log: LogFile, reader: Reader) -> None:
    log.numbers(5)
    reader.read()
    reader.tail.park()
    log.numbers(5)
    reader.read()
    assert reader.numbers == list(range(10))


def test_its_end_is_told_until_anything_happens_to_the_file(log: LogFile, reader: Reader) -> None:
    tail = reader.tail
    assert not tail.at_end()
    log.numbers(3)
    assert tail.step() and tail.at_end()
    for happen in (lambda: log.numbers(1), log.rename, lambda: log.numbers(2), log.copytruncate):
        happen()
        assert not tail.at_end()
        reader.read()
    assert reader.numbers == list(range(log.count))
    log.numbers(1)
    reader.read()
    assert tail.at_end()
    log.path.unlink()
    assert not tail.at_end()


def test_lag_is_the_age_of_what_is_unread(log: LogFile, reader: Reader) -> None:
    assert reader.tail.lag(log.time / 1e9) == 0
    log.numbers(1)
    reader.read()
    now = log.time / 1e9 + 30
    assert reader.tail.lag(now) == 0
    log.numbers(1)
    assert reader.tail.lag(now) == pytest.approx(30, abs=0.1)


def test_docker_shifts_numbers_compresses_and_splits_a_line(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "c-json.log"
    tail = Tail(
        LogTarget(id="/d", source=LogSource(path=str(path), format="docker_json"), container={}),
        Progress(),
        BEGINNING,
        str(tmp_path),
    )
    messages: list[bytes] = []
    tail.listener = lambda entries: messages.extend(entry.message for entry in entries)
    expected: list[bytes] = []
    for number in range(12):
        path.write_bytes(b"".join(written(f"{number}-{line}\n", "stderr") + b"\n" for line in range(50)))
        with path.open("ab") as file:
            file.write(written(f"{number} begun ") + b"\n")
        expected += [f"{number}-{line}".encode() for line in range(50)]
        if number % 3 == 0:
            while tail.step():
                pass
        for older in range(4, 0, -1):
            for suffix in ("", ".gz"):
                if (tmp_path / f"c-json.log.{older}{suffix}").exists():
                    os.rename(
                        tmp_path / f"c-json.log.{older}{suffix}", tmp_path / f"c-json.log.{older + 1}{suffix}"
                    )
        os.rename(path, tmp_path / "c-json.log.1")
        if (tmp_path / "c-json.log.2").exists():
            zipped(tmp_path / "c-json.log.2")
    path.write_bytes(written("ended\n") + b"\n")
    while tail.step() or (tail.waiting and tail.step()):
        pass
    tail.close()
    assert messages == [*expected, b"".join(b"%d begun " % number for number in range(12)) + b"ended"]
    assert tail.counters.dropped == {}


def test_a_static_pods_directory_with_all_that_the_kubelet_leaves_in_it(tmp_path: pathlib.Path) -> None:
    directory = tmp_path / "kube-system_etcd-node-1_0a1b2c3d4e5f60718293a4b5c6d7e8f9" / "etcd"
    directory.mkdir(parents=True)
    log = LogFile(directory / "1.log")
    first = directory / "1.log.20261124-021617"
    second = directory / "1.log.20261124-021627"
    for rotated in (first, second):
        log.numbers(100)
        os.rename(log.path, rotated)
    log.numbers(100)
    # Half done: compressed, and the file itself not removed yet. Begun: the next one.
    first.with_name(f"{first.name}.gz").write_bytes(gzip.compress(first.read_bytes()))
    second.with_name(f"{second.name}.tmp").write_bytes(b"\x1f\x8b")
    for other in ("0.log", "0.log.20261124-011111.gz", "10.log", "1.log.tmp", "11.log.20261124-021617"):
        (directory / other).write_bytes(LogFile(directory / other).line("another run's"))
    reader = Reader(log.path)
    reader.read()
    assert reader.numbers == list(range(300))
    assert len(reader.messages) == 300
    first.unlink()
    zipped(second)
    os.rename(log.path, directory / "1.log.20261124-021637")
    log.numbers(50)
    reader.restart()
    reader.read()
    assert reader.numbers == list(range(350))
    assert reader.tail.counters.dropped == {}
    reader.tail.close()


def unread(log: LogFile, reader: Reader) -> None:
    """A place at the beginning of a file whose first line is longer than what files are told by."""
    log.numbers(10)
    reader.read()
    log.rename()
    log.write("x" * 5000)
    log.numbers(10)
    while not (reader.tail.reading and reader.tail.reading[1].offset == 0):
        reader.tail.step()


def test_a_long_first_line_tells_a_file_of_which_nothing_was_read(log: LogFile, reader: Reader) -> None:
    unread(log, reader)
    reader.restart()
    log.copytruncate()
    log.write("y" * 5000)
    log.numbers(10)
    reader.read()
    assert reader.numbers == list(range(30))
    assert reader.tail.counters.dropped == {}


def test_a_file_that_is_truncated_before_anything_was_read(log: LogFile, reader: Reader) -> None:
    unread(log, reader)
    log.copytruncate()
    log.write("y" * 5000)
    log.numbers(10)
    reader.read()
    assert reader.numbers == list(range(30))
    assert reader.tail.counters.dropped == {}


def test_the_current_file_is_truncated_while_an_older_one_is_read(log: LogFile, reader: Reader) -> None:
    log.numbers(10)
    reader.read()
    log.numbers(5)
    reader.restart()
    log.copytruncate()
    log.numbers(10)
    assert reader.tail.step()
    log.copytruncate()
    log.numbers(10)
    reader.read()
    assert reader.numbers == list(range(35))
    assert reader.tail.counters.dropped == {}


def numbers_metered(log: LogFile, progress: Progress, *metrics: LogMetric) -> Tail:
    source = LogSource(path=str(log.path), format="cri")
    target = LogTarget(id="/x", source=source, container={}, rule=Rule(metrics=metrics))
    return Tail(target, progress, BEGINNING, str(log.path.parent))


def test_metrics_count_every_message_once_over_kills_and_rotation(log: LogFile) -> None:
    evens = LogMetric(name="evens", grep="number [0-9]*[02468]$")
    saved = msgspec.msgpack.encode(Progress())
    for _ in range(3):
        tail = numbers_metered(log, msgspec.msgpack.decode(saved, type=Progress), evens)
        for _ in range(2):
            log.numbers(10)
            while tail.step() or tail.waiting:
                pass
        saved = msgspec.msgpack.encode(tail.saved())
        # What was read and not saved is read again by the next one, and counted then.
        log.numbers(10)
        log.rename()
        while tail.step() or tail.waiting:
            pass
        tail.close()
    tail = numbers_metered(log, msgspec.msgpack.decode(saved, type=Progress), evens)
    while tail.step() or tail.waiting:
        pass
    (metric,) = tail.counters.metrics
    assert metric.series[0].total == 45
    assert tail.counters.lines["stdout"] == 90
    tail.retarget(msgspec.structs.replace(tail.target, rule=Rule()))
    assert tail.counters.metrics == []
    tail.close()


def test_one_that_does_not_count_makes_no_metrics(log: LogFile) -> None:
    log.numbers(3)
    rule = Rule(metrics=(LogMetric(name="all"),))
    target = LogTarget(id="/x", source=LogSource(path=str(log.path), format="cri"), container={}, rule=rule)
    tail = Tail(target, Progress(), BEGINNING, str(log.path.parent), counting=False)
    while tail.step():
        pass
    assert tail.counters.metrics == []
    tail.close()
