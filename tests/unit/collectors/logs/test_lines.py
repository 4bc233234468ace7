from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Iterator

import pytest

from collectors.logs.entry import MAX_ENTRY
from collectors.logs.formats import docker_local
from collectors.logs.frames import FRAMES
from collectors.logs.lines import Batch, LineReader
from tests.unit.collectors.logs.formats.test_docker_local import frame

Open = Callable[[bytes], int]


@pytest.fixture
def file(tmp_path: pathlib.Path) -> Iterator[Open]:
    opened: list[int] = []

    def make(content: bytes) -> int:
        path = tmp_path / str(len(opened))
        path.write_bytes(content)
        opened.append(os.open(path, os.O_RDWR))
        return opened[-1]

    yield make
    for fd in opened:
        os.close(fd)


def everything(reader: LineReader) -> list[Batch]:
    batches = []
    while (batch := reader.read()) is not None:
        batches.append(batch)
    return batches


def test_whole_lines_come_out_and_the_rest_waits(file: Open) -> None:
    fd = file(b"one\ntwo\nthr")
    reader = LineReader(fd)
    assert reader.read() == Batch(0, b"one\ntwo\n")
    assert reader.read() is None
    os.pwrite(fd, b"ee\n", 11)
    assert reader.read() == Batch(8, b"three\n")


def test_batches_join_to_the_file(file: Open) -> None:
    content = b"".join(b"line %d\n" % number for number in range(100_000))
    batches = everything(LineReader(file(content)))
    assert b"".join(batch.data for batch in batches) == content
    assert len(batches) > 2
    assert all(batch.data.endswith(b"\n") for batch in batches)


@pytest.mark.parametrize(
    ("end", "expected"), [(0, None), (1, b"one\n"), (4, b"one\n"), (5, b"one\ntwo\n"), (99, b"one\ntwo\n")]
)
def test_lines_that_begin_behind_the_end_stay(file: Open, end: int, expected: bytes | None) -> None:
    batch = LineReader(file(b"one\ntwo\n")).read(end)
    assert (batch.data if batch else None) == expected


def test_a_huge_line_is_cut_and_the_file_goes_on(file: Open) -> None:
    huge = b"x" * 10_000_000
    reader = LineReader(file(b"before\n" + huge + b"\nafter\n"))
    before, cut, after = everything(reader)
    assert before == Batch(0, b"before\n")
    assert (cut.offset, cut.cut, len(cut.data)) == (7, True, MAX_ENTRY)
    assert after == Batch(7 + len(huge) + 1, b"after\n")


def test_a_huge_line_is_skipped_also_after_a_restart(file: Open) -> None:
    fd = file(b"x" * 300_000)
    reader = LineReader(fd)
    assert everything(reader)[0].cut
    os.pwrite(fd, b"yy\nnext\n", 300_000)
    again = LineReader(fd, reader.offset, skipping=reader.skipping)
    assert again.read() == Batch(300_003, b"next\n")


def test_a_hole_is_passed_over(file: Open) -> None:
    fd = file(b"")
    os.pwrite(fd, b"line\n", 3_000_000)
    (batch,) = everything(LineReader(fd))
    assert batch.data.lstrip(b"\0") == b"line\n"
    assert not batch.cut


def test_the_rest_of_a_file_nobody_writes(file: Open) -> None:
    reader = LineReader(file(b"one\ntorn"))
    reader.read()
    assert reader.rest() == Batch(4, b"torn\n")
    assert reader.rest() is None
    assert LineReader(file(b"one\n"), 4).rest() is None


def test_frames_come_out_whole_however_long_they_are(file: Open) -> None:
    frames = [frame(b"a"), frame(b"b" * 600_000), frame(b"c"), frame(b"d")]
    fd = file(b"".join(frames)[:-3])
    reader = LineReader(fd, framing=FRAMES)
    data = b"".join(batch.data for batch in everything(reader))
    assert data == b"".join(frames[:3])
    os.pwrite(fd, frames[3], len(data))
    assert reader.read() == Batch(len(data), frames[3])


def test_a_torn_frame_of_a_file_nobody_writes(file: Open) -> None:
    reader = LineReader(file(frame(b"a") + frame(b"b")[:-3]), framing=FRAMES)
    assert reader.read() == Batch(0, frame(b"a"))
    assert reader.read() is None
    assert reader.rest() == Batch(len(frame(b"a")), frame(b"b")[:-3])


def test_what_is_no_frame_at_all_is_cut_and_the_file_goes_on(file: Open) -> None:
    after = [frame(b"after %d" % number) for number in range(4)]
    reader = LineReader(file(b"\xff" * 1_100_000 + b"".join(after)), framing=FRAMES)
    cut, batch = everything(reader)
    assert cut.cut
    assert docker_local.parse(FRAMES.first(batch.data)) == docker_local.parse(after[0])
