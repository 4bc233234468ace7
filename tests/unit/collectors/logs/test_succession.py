from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

import pytest

from collectors.logs import succession
from collectors.logs.formats import cri
from collectors.logs.succession import Succession
from tests.unit.collectors.logs.logfile import LogFile, place_of, zipped


class Reader:
    """A file that was read to its end, and what comes after it."""

    def __init__(self, log: LogFile) -> None:
        self.log = log
        self.fd = os.open(log.path, os.O_RDONLY)
        self.succession = Succession(str(log.path), cri, str(log.path.parent))

    def next(self, time: int | None = None) -> bytes | None:
        """The content of the next file, which is then the open one; None to stay. `time` is the last line's."""
        place = place_of(self.fd, os.fstat(self.fd).st_size)
        fd = self.succession.next(self.fd, place, self.log.time if time is None else time)
        if fd is None:
            return None
        os.close(self.fd)
        self.fd = fd
        return os.pread(fd, 1 << 20, 0)

    def close(self) -> None:
        os.close(self.fd)
        self.succession.close()


@pytest.fixture
def log(tmp_path: pathlib.Path) -> LogFile:
    log = LogFile(tmp_path / "x.log")
    log.numbers(3)
    return log


@pytest.fixture
def reader(log: LogFile) -> Iterator[Reader]:
    one = Reader(log)
    yield one
    one.close()


def test_one_stays_with_the_current_file_and_while_it_is_missing(log: LogFile, reader: Reader) -> None:
    assert reader.next() is None
    os.rename(log.path, log.path.with_name("x.log.1"))
    assert reader.next() is None
    assert not reader.succession.waiting


def test_one_stays_until_the_next_has_had_data_for_a_while(
    log: LogFile, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.rename()
    assert reader.next() is None
    assert not reader.succession.waiting
    log.numbers(1)
    assert reader.next() is None
    assert reader.succession.waiting
    monkeypatch.setattr(succession, "GRACE", 0.0)
    assert reader.next() == log.path.read_bytes()


def test_with_two_files_behind_one_goes_on_at_once(log: LogFile, reader: Reader) -> None:
    log.rename()
    log.numbers(1)
    second = log.rename()
    log.numbers(1)
    assert reader.next() == second.read_bytes()
    assert reader.succession
    assert reader.next() == log.path.read_bytes()
    assert not reader.succession


@pytest.mark.parametrize("compressed", [False, True])
def test_the_next_is_held_although_its_name_is_gone(log: LogFile, reader: Reader, compressed: bool) -> None:
    zipped(log.rename())
    log.numbers(1)
    content = log.path.read_bytes()
    assert reader.next() is None
    second = log.rename()
    if compressed:
        zipped(second)
    else:
        second.unlink()
    log.numbers(1)
    assert reader.next() == content
    assert reader.next() == log.path.read_bytes()
    assert reader.next() is None


def test_a_name_that_moved_is_looked_for_again(log: LogFile, reader: Reader) -> None:
    log.rename()
    log.numbers(1)
    second = log.rename()
    log.numbers(1)
    content = second.read_bytes()
    third = log.rename()
    log.numbers(1)
    assert reader.next() == content
    # The queue still names the third file as it was called; compress it before it is opened.
    expected = third.read_bytes()
    zipped(third)
    assert reader.next() is None
    assert reader.succession.waiting
    assert reader.next() == expected


def test_what_was_renamed_back_is_the_current_file_again(log: LogFile, reader: Reader) -> None:
    rotated = log.rename()
    log.numbers(1)
    assert reader.next() is None
    os.replace(rotated, log.path)
    assert reader.next() is None
    assert not reader.succession.waiting


def _burst(log: LogFile, rotations: int) -> list[pathlib.Path]:
    """So many rotations behind the reader's back, each file with a line."""
    files = []
    for _ in range(rotations):
        files.append(log.rename())
        log.numbers(1)
    return files


def test_a_burst_that_outran_the_reader_is_a_loss_and_told_once(log: LogFile, reader: Reader) -> None:
    read = log.time
    mine, *between, last = _burst(log, 5)
    for file in (mine, *between):
        file.unlink()
    assert reader.next(read) == last.read_bytes()
    assert reader.succession.lost
    assert reader.next() == log.path.read_bytes()
    assert not reader.succession.lost


def test_nothing_is_lost_when_the_very_next_file_is_still_there(log: LogFile, reader: Reader) -> None:
    read = log.time
    mine, second, _ = _burst(log, 3)
    mine.unlink()
    assert reader.next(read) == second.read_bytes()
    assert not reader.succession.lost


def test_without_counting_names_the_file_seen_before_tells(log: LogFile, reader: Reader) -> None:
    read = log.time
    files = _burst(log, 4)
    names = [log.path.with_name(f"x.log.{number}") for number in (4, 3, 2, 1)]
    for file, name in zip(files, names, strict=True):
        file.rename(name)
    second = names[1].read_bytes()
    assert reader.next() == second
    # Its successor was seen: it moves to another name while the open file goes.
    names[1].unlink()
    names[0].unlink()
    third = names[2].rename(names[0]).read_bytes()
    names[3].rename(names[1])
    assert reader.next(read) is None
    assert reader.next(read) == third
    assert not reader.succession.lost
