"""The record of an end: whole, or not there at all."""

from __future__ import annotations

import os
import pathlib

import pytest

from runtime.container.status import SIZE, read_status, write_status


@pytest.fixture
def record(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "status"


def written(record: pathlib.Path, **end: int) -> tuple[int | None, int | None] | None:
    descriptor = os.open(record, os.O_CREAT | os.O_WRONLY)
    write_status(descriptor, **end)
    os.close(descriptor)
    return read_status(str(record))


@pytest.mark.parametrize("code", [0, 1, 255])
def test_exit_code(record: pathlib.Path, code: int) -> None:
    assert written(record, code=code) == (code, None)


def test_signal(record: pathlib.Path) -> None:
    assert written(record, signal=9) == (None, 9)


def test_nothing_recorded(record: pathlib.Path) -> None:
    assert read_status(str(record)) is None
    record.write_bytes(b"")
    assert read_status(str(record)) is None


@pytest.mark.parametrize("place", range(SIZE))
def test_a_damaged_record_is_none(record: pathlib.Path, place: int) -> None:
    written(record, code=3)
    raw = bytearray(record.read_bytes())
    raw[place] ^= 1
    record.write_bytes(raw)
    assert read_status(str(record)) is None
