"""Copies of rotated files that somebody still needs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collectors.logs.chain import find
from collectors.logs.files import HEAD, MARKER, Place, place
from collectors.logs.record import LogTarget
from collectors.logs.spool import Full, Spool
from collectors.model import LogSource
from tests.unit.collectors.logs.logfile import LogFile, zipped


class Log:
    """A log of some rotated files, and a spool beside it."""

    def __init__(self, tmp_path: Path, most: int = 1 << 30) -> None:
        (tmp_path / "log").mkdir()
        self.file = LogFile(tmp_path / "log" / "a.log")
        self.path = str(self.file.path)
        self.target = LogTarget(id="/a", source=LogSource(path=self.path, format="cri"), container={})
        self.directory = str(tmp_path / "spool")
        self.spool = Spool(self.directory, most)

    def rotated(self, lines: int = 2000) -> Path:
        self.file.numbers(lines)
        return self.file.rename()

    def keep(self, path: Path, since: int) -> Place:
        with _opened(path) as fd:
            size = os.fstat(fd).st_size
            self.spool.keep(self.target, fd, since, size)
            return place_at(fd, since)


def place_at(fd: int, offset: int) -> Place:
    head, marker = (
        os.pread(fd, min(HEAD, offset), 0),
        os.pread(fd, min(MARKER, offset), max(0, offset - MARKER)),
    )
    return place(fd, offset, head, marker)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY)
    try:
        yield fd
    finally:
        os.close(fd)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_a_copy_stands_for_its_file_once_that_is_gone(log: Log) -> None:
    first = log.rotated()
    log.file.numbers(5)
    content = first.read_bytes()
    since = content.index(b"\n", len(content) // 2) + 1
    left = log.keep(first, since)
    assert [one.spooled for one in log.spool.chain("/a", log.path)] == [False, False]
    first.unlink()
    chain = log.spool.chain("/a", log.path)
    assert [one.spooled for one in chain] == [True, False]
    found = find(left, chain, log.directory)
    assert found is not None
    assert os.pread(found.fd, len(content), since) == content[since:]
    assert [one.path for one in found.later] == [log.path]
    os.close(found.fd)


def test_a_copy_takes_room_only_for_what_is_needed(log: Log) -> None:
    first = log.rotated(20_000)
    size = first.stat().st_size
    log.keep(first, size - 10_000)
    assert 10_000 <= log.spool.used < 32_000


def test_a_copy_grows_with_its_file(log: Log) -> None:
    first = log.rotated()
    size = first.stat().st_size
    with _opened(first) as fd:
        log.spool.keep(log.target, fd, 5000, size // 2)
        log.spool.keep(log.target, fd, 5000, size)
        log.spool.keep(log.target, fd, 9000, size)
        log.spool.keep(log.target, fd, 4500, size)
    content = first.read_bytes()
    first.unlink()
    (copy, _) = log.spool.chain("/a", log.path)
    assert Path(copy.path).read_bytes()[4500:] == content[4500:]


def test_an_archive_of_the_file_counts_as_the_file(log: Log) -> None:
    first = log.rotated()
    log.keep(first, 100)
    archived = zipped(first)
    assert [one.path for one in log.spool.chain("/a", log.path)] == [str(archived), log.path]


def test_copies_go_when_every_sink_is_behind_them(log: Log) -> None:
    first, second = log.rotated(), log.rotated()
    log.file.numbers(50)
    left = log.keep(first, 200)
    later = log.keep(second, 300)
    with _opened(log.file.path) as fd:
        current = place_at(fd, 100)
    first.unlink()
    log.spool.release("/a", log.path, [left, current])
    assert log.spool.used > 0
    log.spool.release("/a", log.path, [None, current])
    assert log.spool.holds("/a")
    log.spool.release("/a", log.path, [later, current])
    assert [one.spooled for one in log.spool.chain("/a", log.path)] == [False, False]
    second.unlink()
    assert [one.spooled for one in log.spool.chain("/a", log.path)] == [True, False]
    log.spool.release("/a", log.path, [current, current])
    assert log.spool.used == 0
    assert os.listdir(log.directory) == []


def test_a_sink_that_still_reads_the_file_before_keeps_the_copy(log: Log) -> None:
    first, second = log.rotated(), log.rotated()
    log.file.numbers(50)
    log.keep(second, 0)
    with _opened(first) as fd:
        early = place_at(fd, 100)
    log.spool.release("/a", log.path, [early])
    assert log.spool.holds("/a")


def test_a_restart_finds_copies_and_whose_they_are(log: Log) -> None:
    log.keep(log.rotated(), 100)
    again = Spool(log.directory, 1 << 30)
    assert again.targets() == [log.target]
    assert again.used == log.spool.used > 0
    again.forget("/a")
    assert (again.used, again.targets()) == (0, [])


def test_beyond_the_budget_nothing_is_kept_and_that_is_told(tmp_path: Path) -> None:
    log = Log(tmp_path, most=1000)
    with pytest.raises(Full, match=r"logs\.spool\.max_bytes"):
        log.keep(log.rotated(), 0)
    assert log.spool.used == 0


def test_a_gap_stands_before_what_comes_after_it(log: Log) -> None:
    place = log.keep(log.rotated(), 100)
    for path in log.file.path.parent.glob("a.log.*"):
        path.unlink()
    log.spool.note_gap(log.target)
    log.spool.note_gap(log.target)
    log.file.numbers(10)
    again = Spool(log.directory, 1 << 30)
    assert [(one.spooled, one.gap) for one in again.chain("/a", log.path)] == [(True, False), (False, True)]
    later = log.rotated()
    log.keep(later, 0)
    later.unlink()
    log.file.numbers(10)
    assert [one.gap for one in log.spool.chain("/a", log.path)] == [False, True, False]
    log.spool.release("/a", log.path, [place])
    assert [one.gap for one in log.spool.chain("/a", log.path)] == [False, True, False]
    with _opened(log.file.path) as fd:
        log.spool.release("/a", log.path, [place_at(fd, 20)])
    assert not log.spool.holds("/a")


def test_files_that_begin_with_the_same_long_text_have_copies_of_their_own(log: Log) -> None:
    paths: list[Path] = []
    for number in range(3):
        log.file.append(b'{"log":"' + b"x" * 16_384 + b'","time":"%d"}\n' % number)
        log.file.numbers(1000)
        paths.append(log.file.rename())
    places = [log.keep(path, 20_000) for path in paths[:2]]
    for path in paths[:2]:
        path.unlink()
    chain = log.spool.chain("/a", log.path)
    assert [one.spooled for one in chain] == [True, True, False, False]
    for index, one in enumerate(places):
        found = find(one, chain, log.directory)
        assert found is not None and len(found.later) == 3 - index
        os.close(found.fd)
    with _opened(paths[2]) as fd:
        log.spool.release("/a", log.path, [place_at(fd, 20_000)])
    assert not log.spool.holds("/a")


def test_what_a_killed_process_left_unfinished_is_no_copy(log: Log) -> None:
    first = log.rotated()
    log.keep(first, 100)
    (place,) = Path(log.directory).iterdir()
    for name in ("target.json.tmp", "000000000007-gap-0.tmp", ".7"):
        (place / name).write_bytes(b"half")
    first.unlink()
    again = Spool(log.directory, 1 << 30)
    assert [one.spooled for one in again.chain("/a", log.path)] == [True, False]
