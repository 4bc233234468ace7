"""One holder at a time, also among processes."""

from __future__ import annotations

import os
import pathlib
import signal

import pytest

from runtime.container import ownlock


def holder(directory: pathlib.Path) -> int:
    """Pid of a process that holds the lock until it is killed."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            ownlock.take_lock(str(directory))
            os.write(write, b"x")
            signal.pause()
        finally:
            os._exit(1)
    os.close(write)
    assert os.read(read, 1) == b"x"
    os.close(read)
    return pid


def test_a_second_one_is_told_who_holds_it(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownlock, "WAIT", 0.02)
    pid = holder(tmp_path)
    try:
        with pytest.raises(ownlock.Taken, match=str(tmp_path)):
            ownlock.take_lock(str(tmp_path))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os.close(ownlock.take_lock(str(tmp_path)))


def test_the_next_one_waits_for_who_is_leaving(tmp_path: pathlib.Path) -> None:
    pid = holder(tmp_path)
    os.kill(pid, signal.SIGKILL)
    os.close(ownlock.take_lock(str(tmp_path)))
    os.waitpid(pid, 0)
