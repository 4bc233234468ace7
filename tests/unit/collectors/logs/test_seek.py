from __future__ import annotations

import os
import pathlib

import pytest

from collectors.logs.formats import cri
from collectors.logs.seek import first_time, offset_at
from collectors.logs.times import SECOND, render


def lines(times: list[int], content: str = "x") -> list[bytes]:
    return [f"{render(time)} stdout F {content}\n".encode() for time in times]


@pytest.mark.parametrize("count", [0, 1, 2, 50, 5000])
@pytest.mark.parametrize("odd", [b"", b"garbage\n", b"g" * 40_000 + b"\n"])
def test_the_first_line_at_or_behind_a_time(tmp_path: pathlib.Path, count: int, odd: bytes) -> None:
    times = [number * SECOND for number in range(10, 10 + 2 * count, 2)]
    written = lines(times, "x" * 50)
    middle = count // 2
    content = b"".join(written[:middle]) + odd + b"".join(written[middle:])
    path = tmp_path / "log"
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    for wanted in (0, 10 * SECOND, 11 * SECOND, (10 + count) * SECOND, (10 + 2 * count) * SECOND, 1 << 62):
        at = offset_at(fd, len(content), wanted, cri)
        after = [time for time in times if time >= wanted]
        before = content[:at].count(b" stdout ")
        assert before <= count - len(after)
        assert before >= count - len(after) - 1 or odd
        assert at == 0 or content[at - 1 : at] == b"\n" or at == len(content)
        if not odd:
            assert before == count - len(after)
    os.close(fd)


def test_the_first_time_is_that_of_the_first_line_that_has_one(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"garbage\n" + lines([5 * SECOND])[0])
    fd = os.open(path, os.O_RDONLY)
    assert first_time(fd, cri) == 5 * SECOND
    os.close(fd)


def test_a_file_without_a_whole_line_has_no_first_time(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"1970-01-01T00:00:05Z stdout F x")
    fd = os.open(path, os.O_RDONLY)
    assert first_time(fd, cri) is None
    os.close(fd)


def test_a_file_is_searched_without_reading_it(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    content = b"".join(lines([number * SECOND for number in range(50_000)], "x" * 200))
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    read: list[int] = []
    pread = os.pread

    def counting(file: int, size: int, offset: int) -> bytes:
        data = pread(file, size, offset)
        read.append(len(data))
        return data

    monkeypatch.setattr(os, "pread", counting)
    assert offset_at(fd, len(content), 40_000 * SECOND, cri) == 40_000 * len(content) // 50_000
    assert sum(read) < 1 << 20
    os.close(fd)
