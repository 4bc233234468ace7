"""The stage: what leaves the FIFO is in the file, and its blocks are given back."""

from __future__ import annotations

import os
import pathlib

import pytest

from runtime.container.staging import RELEASE, Stage


@pytest.fixture
def fifo(tmp_path: pathlib.Path) -> tuple[int, int]:
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    return reader, os.open(tmp_path / "fifo", os.O_WRONLY)


@pytest.mark.parametrize("atomic", [True, False])
def test_bytes_go_from_fifo_to_stage(tmp_path: pathlib.Path, fifo: tuple[int, int], atomic: bool) -> None:
    stage = Stage(str(tmp_path / "stage"))
    stage.atomic = atomic
    os.write(fifo[1], b"hello ")
    assert stage.take(fifo[0]) == 6
    os.write(fifo[1], b"world")
    assert stage.take(fifo[0]) == 5
    assert stage.read() == b"hello world"
    with pytest.raises(BlockingIOError):
        stage.take(fifo[0])
    os.close(fifo[1])
    assert stage.take(fifo[0]) == 0
    assert stage.atomic is atomic
    stage.offset = 6
    assert (stage.read(), stage.pending) == (b"world", 5)
    stage.close()
    os.close(fifo[0])


def test_an_offset_beyond_the_end_means_it_was_emptied(tmp_path: pathlib.Path) -> None:
    (tmp_path / "stage").write_bytes(b"abc")
    assert Stage(str(tmp_path / "stage"), 2).read() == b"c"
    assert Stage(str(tmp_path / "stage"), 9).read() == b"abc"


def test_used_blocks_are_given_back_without_moving_the_rest(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "stage"
    path.write_bytes(b"x" * (RELEASE + 100) + b"rest")
    before = path.stat().st_blocks
    stage = Stage(str(path), RELEASE + 100)
    assert stage.release()
    assert path.stat().st_blocks < before / 10
    assert stage.read() == b"rest"
    stage.offset = stage.size
    stage.reset()
    assert path.stat().st_size == 0
