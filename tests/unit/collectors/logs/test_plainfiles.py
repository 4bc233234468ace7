from __future__ import annotations

import gzip
import json
import os
import pathlib
import shutil
from collections.abc import Iterator

import msgspec
import pytest

from collectors.logs import archive, succession
from collectors.logs.answer import answer
from collectors.logs.entry import Entry
from collectors.logs.formats import cri, plain
from collectors.logs.plainfiles import born, dated, untimed
from collectors.logs.positions import Progress
from collectors.logs.query import LogQuery
from collectors.logs.record import LogTarget
from collectors.logs.segment import Budget
from collectors.logs.start import Start
from collectors.logs.tail import Tail
from collectors.logs.times import SECOND
from collectors.model import LogSource
from runtime.linux.birth import birth

WHOLE = 1_795_486_577 * SECOND


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(succession, "GRACE", 0.0)


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    directory = tmp_path / "logs"
    directory.mkdir()
    path = directory / "app.log"
    path.touch()
    if birth(str(path)) is None:
        pytest.skip("the file system does not tell births")
    return path


@pytest.fixture
def fd(path: pathlib.Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDWR | os.O_APPEND)
    yield fd
    os.close(fd)


def target(path: pathlib.Path) -> LogTarget:
    return LogTarget(id=f"file:{path}", source=LogSource(path=str(path), format="plain"), container={})


class Reader:
    """A tail of a plain file that can be killed, and what it handed over."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.entries: list[Entry] = []
        self.saved = msgspec.msgpack.encode(Progress())
        self.tail = self._tail()

    def _tail(self) -> Tail:
        progress = msgspec.msgpack.decode(self.saved, type=Progress)
        tail = Tail(target(self.path), progress, Start(float("-inf")), str(self.path.parent.parent))
        tail.listener = lambda entries: self.entries.extend(entries)
        return tail

    def read(self) -> list[bytes]:
        """What is new."""
        before = len(self.entries)
        while self.tail.step() or (self.tail.waiting and self.tail.step()):
            pass
        self.tail.flush()
        return [entry.message for entry in self.entries[before:]]

    def restart(self) -> None:
        self.saved = msgspec.msgpack.encode(self.tail.saved())
        self.tail.close()
        self.tail = self._tail()


@pytest.fixture
def reader(path: pathlib.Path) -> Iterator[Reader]:
    one = Reader(path)
    yield one
    one.tail.close()


def asked(path: pathlib.Path, **words: object) -> list[dict[str, object]]:
    query = LogQuery(targets=[target(path)], direction="forward", limit=1000, **words)  # type: ignore[arg-type]
    return [json.loads(line) for line in answer(query, str(path.parent.parent), Budget(1 << 30))]


def append(path: pathlib.Path, data: bytes) -> None:
    with open(path, "ab") as file:
        file.write(data)


def test_a_file_is_told_by_its_birth_wherever_it_moves(path: pathlib.Path, fd: int) -> None:
    made = born(fd, plain)
    assert made == birth(str(path))
    os.rename(path, f"{path}.1")
    assert born(fd, plain) == made
    os.unlink(f"{path}.1")
    assert born(fd, plain) == 0.0
    assert born(fd, cri) == 0.0


def test_a_copy_tells_no_birth(path: pathlib.Path) -> None:
    os.utime(path, ns=(WHOLE - SECOND, WHOLE - SECOND))
    packed = path.with_name("app.log.1.gz")
    packed.write_bytes(gzip.compress(b"x\n"))
    os.utime(packed, (1000, 1000))
    fd = archive.unpacked(str(packed), str(path.parent))
    assert os.fstat(fd).st_mtime == 1000
    assert born(fd, plain) == 0.0
    os.close(fd)


def test_what_tells_no_time_is_as_old_as_its_file(path: pathlib.Path, fd: int) -> None:
    os.write(fd, b"x\ny\n")
    os.utime(path, ns=(WHOLE, WHOLE))
    assert untimed(fd, plain)
    assert dated(fd, b"x\n", plain, 5) == WHOLE
    assert dated(fd, b"x\n2026-11-24T02:16:17Z y\n", plain, 5) == 5
    assert dated(fd, b"x\n", cri, 5) == 5
    os.write(fd, b"2026-11-24T02:16:17Z z\n")
    assert not untimed(fd, plain)
    assert not untimed(fd, cri)


def test_lines_are_told_once_through_each_kind_of_rotation(path: pathlib.Path, reader: Reader) -> None:
    append(path, b"1795486577 one\n  more\n")
    assert reader.read() == [b"1795486577 one", b"  more"]
    append(path, b"two\n")
    os.rename(path, f"{path}-20261123")
    path.write_bytes(b"three\n")
    assert reader.read() == [b"two", b"three"]
    append(path, b"four\n")
    reader.restart()
    dated_name = path.with_name("app.log-20261124")
    os.rename(path, dated_name)
    path.write_bytes(b"five\n")
    dated_name.with_name("app.log-20261124.gz").write_bytes(gzip.compress(dated_name.read_bytes()))
    dated_name.unlink()
    assert reader.read() == [b"four", b"five"]
    assert reader.tail.counters.dropped == {}
    assert reader.tail.counters.lines["stdout"] == 6


def test_a_file_that_is_copied_and_truncated_goes_on_behind_its_hole(
    path: pathlib.Path, reader: Reader
) -> None:
    append(path, b"one\ntwo\n")
    assert reader.read() == [b"one", b"two"]
    append(path, b"three\n")
    shutil.copyfile(path, f"{path}.1")
    os.truncate(path, 0)
    assert reader.read() == [b"three"]
    # A writer that keeps its offset leaves a hole of NUL bytes before what it writes next.
    with open(path, "r+b") as file:
        file.seek(14)
        file.write(b"four\n")
    assert reader.read() == [b"four"]


def test_who_reads_on_in_a_copy_gives_the_uids_of_the_original(path: pathlib.Path, reader: Reader) -> None:
    append(path, b"one\ntwo\n")
    reader.read()
    append(path, b"three\n")
    reader.restart()
    archive = path.with_name("app.log.1.gz")
    archive.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    path.write_bytes(b"four\n")
    assert reader.read() == [b"three", b"four"]
    keys = [entry.key for entry in reader.entries]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert [entry.offset for entry in reader.entries] == [0, 4, 8, 0]


def test_two_files_of_one_name_and_beginning_have_their_own_uids(path: pathlib.Path) -> None:
    append(path, b"begun\none\n")
    first = [record["uid"] for record in asked(path)]
    os.rename(path, f"{path}.1")
    path.write_bytes(b"begun\ntwo\n")
    uids = {str(record["uid"]): record["message"] for record in asked(path)}
    assert len(uids) == 4
    assert [uids[str(uid)] for uid in first] == ["begun", "one"]


def test_a_file_without_any_time_is_found_by_when_it_was_written(path: pathlib.Path) -> None:
    append(path, b"".join(b"line %d\n" % number for number in range(50_000)))
    os.utime(path, ns=(WHOLE, WHOLE))
    assert len(asked(path, since=WHOLE / SECOND)) == 1000
    assert asked(path, since=WHOLE / SECOND + 2) == []
    (found,) = asked(path, since=WHOLE / SECOND, grep="^line 49999$")
    assert found["time"] == "2026-11-24T02:16:17.000000000Z"


def test_a_tail_that_begins_some_time_back_takes_a_file_without_times_if_it_is_younger(
    path: pathlib.Path,
) -> None:
    append(path, b"one\n")
    made = birth(str(path))
    assert made is not None
    for since, expected in ((made - 10, [b"one"]), (made + 10, [])):
        reader = Reader(path)
        reader.tail._start = Start(since)
        assert reader.read() == expected
        reader.tail.close()
