from __future__ import annotations

import os
import pathlib
import random
from collections.abc import Callable, Iterator

import pytest
import re2

from collectors.logs.frames import FRAMES, LONGEST
from tests.unit.collectors.logs.formats.test_docker_local import frame

Open = Callable[[bytes], int]


@pytest.fixture
def file(tmp_path: pathlib.Path) -> Iterator[Open]:
    opened: list[int] = []

    def make(content: bytes) -> int:
        path = tmp_path / str(len(opened))
        path.write_bytes(content)
        opened.append(os.open(path, os.O_RDONLY))
        return opened[-1]

    yield make
    for fd in opened:
        os.close(fd)


def some(count: int, seed: int = 1) -> list[bytes]:
    chance = random.Random(seed)
    sizes = [chance.choice((0, 1, 40, 200, 16384)) for _ in range(count)]
    return [frame(chance.randbytes(size)) for size in sizes]


def ends(frames: list[bytes]) -> list[int]:
    return [sum(map(len, frames[: index + 1])) for index in range(len(frames))]


def test_frames_and_what_is_left() -> None:
    frames = some(20)
    data = b"".join(frames)
    assert FRAMES.records(data) == frames
    assert FRAMES.whole(data + frames[0][:-1]) == len(data)
    assert FRAMES.first(data) == frames[0]
    for start, end in zip([0, *ends(frames)], ends(frames), strict=False):
        assert FRAMES.before(data, end) == start
        assert FRAMES.until(data, start + 1) == end
        assert FRAMES.until(data, end) == end


def test_what_is_torn_is_a_record_and_the_next_frame_is_found() -> None:
    frames = some(6)
    torn = frame(b"t" * 50)[:-9]
    data = b"".join(frames[:3]) + torn + b"".join(frames[3:])
    assert FRAMES.records(data) == [*frames[:3], torn, *frames[3:]]
    behind = len(data) - sum(map(len, frames[3:]))
    assert FRAMES.before(data, behind) == behind - len(torn)


def test_a_length_that_no_frame_may_have_is_no_frame() -> None:
    huge = (LONGEST + 1).to_bytes(4)
    frames = some(4)
    data = huge + b"x" * 100 + b"".join(frames)
    assert FRAMES.records(data) == [data[:104], *frames]


def test_a_record_with_several_hits_is_one() -> None:
    frames = [frame(b"aXbX"), frame(b"c"), frame(b"XX")]
    data = b"".join(frames)
    hits = FRAMES.hits(data, re2.compile(b"X"))
    assert [data[start:end] for start, end in hits] == [frames[0], frames[2]]


def test_where_frames_begin_from_any_place(file: Open) -> None:
    frames = some(300)
    data = b"".join(frames)
    fd, places = file(data), [0, *ends(frames)]
    chance = random.Random(2)
    for offset in [chance.randrange(len(data)) for _ in range(300)]:
        assert FRAMES.start(fd, offset, len(data)) == next(place for place in places if place >= offset)
    assert FRAMES.start(fd, -5, len(data)) == 0
    assert FRAMES.start(fd, len(data), len(data)) == len(data)


def test_a_frame_longer_than_one_look_is_passed(file: Open) -> None:
    frames = [frame(b"a"), frame(b"b" * 900_000), *some(5)]
    data = b"".join(frames)
    assert FRAMES.start(file(data), 100, len(data)) == ends(frames)[1]


def test_a_frame_printed_inside_of_a_message_is_none(file: Open) -> None:
    inner = frame(b"forged") + frame(b"forged too")
    frames = [frame(b"a"), frame(b"before " + inner + b" behind"), *some(5)]
    data = b"".join(frames)
    assert FRAMES.records(data) == frames
    assert FRAMES.start(file(data), len(frames[0]) + 10, len(data)) == ends(frames)[1]


@pytest.mark.parametrize("torn", [0, 1, 5, 100])
def test_where_an_unfinished_frame_begins(file: Open, torn: int) -> None:
    whole = b"".join(some(200))
    data = whole + frame(b"x" * 200)[:torn]
    assert FRAMES.unfinished(file(data), len(data)) == len(whole)
    assert FRAMES.unfinished(file(data[len(whole) :]), torn) == 0
