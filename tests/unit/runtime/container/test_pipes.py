"""FIFOs on the real kernel."""

from __future__ import annotations

import fcntl
import os
import pathlib
import signal
import stat
import subprocess
from collections.abc import Iterator

import pytest

from runtime.container import pipes


@pytest.fixture
def fifo(tmp_path: pathlib.Path) -> Iterator[int]:
    descriptor = pipes.make_fifo(str(tmp_path / "stdout"), os.getuid(), os.getgid())
    yield descriptor
    os.close(descriptor)


def size(descriptor: int) -> int:
    return fcntl.fcntl(descriptor, pipes.F_GETPIPE_SZ)


def test_a_fifo_takes_the_place_of_an_older_one(tmp_path: pathlib.Path, fifo: int) -> None:
    again = pipes.make_fifo(str(tmp_path / "stdout"), os.getuid(), os.getgid())
    found = os.stat(tmp_path / "stdout")
    assert stat.S_ISFIFO(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o600
    assert os.fstat(again).st_ino == found.st_ino != os.fstat(fifo).st_ino
    os.close(again)


def test_it_grows_only_while_it_stays_full_and_shrinks_again(fifo: int) -> None:
    before, fill = size(fifo), pipes.Fill()
    for _ in range(3):
        for _ in range(pipes.FULL_TIMES - 1):
            assert fill.note(fifo, pipes.SMALL)
        assert not fill.note(fifo, 10)
    assert size(fifo) == before
    for _ in range(pipes.FULL_TIMES):
        fill.note(fifo, pipes.SMALL)
    assert size(fifo) == pipes.LARGE
    assert pipes.most_in(fifo) == pipes.SPLICED * pipes.LARGE
    fill.rest(fifo)
    assert size(fifo) == pipes.SMALL


def test_who_prints_to_it_is_found_and_killed(tmp_path: pathlib.Path, fifo: int) -> None:
    writer = subprocess.Popen(["sleep", "60"], stdout=fifo)
    other = subprocess.Popen(["sleep", "60"])
    try:
        pipes.kill_writers({str(tmp_path / "stdout")})
        assert writer.wait(10) == -signal.SIGKILL
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
