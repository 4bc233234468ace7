from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

import pytest

from collectors.logs.files import holds, key_of
from tests.unit.collectors.logs.logfile import place_of


@pytest.fixture
def file(tmp_path: pathlib.Path) -> Iterator[int]:
    path = tmp_path / "a"
    path.write_bytes(b"first line\n" + b"x" * 5000 + b"\nlast line\n")
    fd = os.open(path, os.O_RDWR)
    yield fd
    os.close(fd)


@pytest.mark.parametrize("offset", [0, 5, 11, 2000, 5022])
def test_a_place_is_found_again_in_a_copy_that_grew(file: int, tmp_path: pathlib.Path, offset: int) -> None:
    place = place_of(file, offset)
    copy = tmp_path / "b"
    copy.write_bytes(os.pread(file, 10_000, 0) + b"more\n")
    fd = os.open(copy, os.O_RDONLY)
    assert holds(fd, place)
    os.close(fd)


@pytest.mark.parametrize("at", [0, 500, 1990])
def test_a_file_with_another_head_or_other_bytes_before_the_place_is_another(file: int, at: int) -> None:
    place = place_of(file, 2000)
    os.pwrite(file, b"!", at)
    assert not holds(file, place)


def test_a_shorter_file_is_another(file: int) -> None:
    place = place_of(file, 2000)
    os.ftruncate(file, 1999)
    assert not holds(file, place)


def test_only_what_was_read_is_compared(file: int) -> None:
    place = place_of(file, 11)
    os.pwrite(file, b"!!!", 11)
    assert holds(file, place)


def test_a_key_is_of_the_container_and_the_first_record(file: int) -> None:
    key = key_of(file, "/x")
    os.pwrite(file, b"!", 50)
    assert key_of(file, "/x") == key
    assert key_of(file, "/y") != key
    os.pwrite(file, b"!", 0)
    assert key_of(file, "/x") != key


def test_first_records_that_begin_alike_for_long_have_keys_of_their_own(file: int) -> None:
    os.pwrite(file, b"x" * 50_000 + b" at noon\n", 0)
    key = key_of(file, "/x")
    os.pwrite(file, b" at ten.\n", 50_000)
    assert key_of(file, "/x") != key
