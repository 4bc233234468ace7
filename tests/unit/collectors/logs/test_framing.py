from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Iterator

import pytest
import re2

from collectors.logs.framing import NEWLINES

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


def test_lines_and_what_is_left() -> None:
    assert NEWLINES.whole(b"one\ntwo\nthr") == 8
    assert NEWLINES.records(b"one\n\ntwo\n") == [b"one", b"", b"two"]
    assert NEWLINES.first(b"one\ntwo") == b"one"
    assert NEWLINES.before(b"one\ntwo\n", 8) == 4
    assert NEWLINES.before(b"one\ntwo\n", 4) == 0
    assert (NEWLINES.resumed(b"e\ntwo"), NEWLINES.resumed(b"one")) == (2, -1)


def test_a_line_with_several_hits_is_one() -> None:
    data = b"aXbX\nc\nXX\n"
    assert [data[start:end] for start, end in NEWLINES.hits(data, re2.compile(b"X"))] == [b"aXbX\n", b"XX\n"]


@pytest.mark.parametrize(
    ("offset", "start"), [(-5, 0), (0, 0), (1, 4), (3, 4), (4, 4), (5, 8), (9, 10), (10, 10)]
)
def test_where_lines_begin(file: Open, offset: int, start: int) -> None:
    assert NEWLINES.start(file(b"one\ntwo\nxx"), offset, 10) == start


@pytest.mark.parametrize(
    ("content", "start"),
    [(b"", 0), (b"x", 0), (b"one\n", 4), (b"one\ntw", 4), (b"one\n" + b"x" * 600_000, 4)],
)
def test_where_an_unfinished_line_begins(file: Open, content: bytes, start: int) -> None:
    assert NEWLINES.unfinished(file(content), len(content)) == start
