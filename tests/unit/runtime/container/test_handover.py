"""Descriptors come to stand where they belong, whatever numbers they had."""

from __future__ import annotations

import os

import pytest

from runtime.container import handover
from runtime.container.failure import StartError
from runtime.container.handover import Descriptors


def inode(descriptor: int) -> int:
    return os.fstat(descriptor).st_ino


@pytest.mark.parametrize("has_status", [True, False])
def test_keep_only(has_status: bool) -> None:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if _check(has_status) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _check(has_status: bool) -> bool:
    """In a child of its own: whether each descriptor stands where it should, and nothing else is open."""
    ends = [os.pipe()[1] for _ in range(4)]
    status = os.memfd_create("status") if has_status else -1
    # Crossed on purpose: standard input is handed what stands at 2.
    handed = Descriptors(2, ends[0], ends[1], ends[2], ends[3], status)
    expected = [inode(fd) if fd >= 0 else inode(handed.sync) for fd in handed]
    handover.keep_only(handed)
    places = [inode(fd) for fd in range(6)] == expected
    inheritable = [os.get_inheritable(fd) for fd in range(handover.FREE)]
    rest = [int(fd) for fd in os.listdir("/proc/self/fd") if int(fd) > handover.FREE]
    return places and inheritable == [True] * 3 + [False] * 4 and not rest


def test_hear() -> None:
    read, write = os.pipe()
    os.write(write, b"x")
    handover.hear(read, b"x")
    os.close(write)
    with pytest.raises(StartError, match="the other side is gone"):
        handover.hear(read, b"x")
    os.close(read)
