"""Processes told apart for certain."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from runtime.linux import process


def test_key_of_this_process_matches_its_stat() -> None:
    key = process.key_of(os.getpid())
    assert key.pid == os.getpid()
    assert key.start == process.start_time(os.getpid()) > 0
    assert len(key.boot_id) == 36


def test_start_time_survives_a_hostile_command_name(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "7").mkdir()
    fields = " ".join(str(n) for n in range(4, 53))
    (tmp_path / "7/stat").write_bytes(b"7 (evil) S (x)) S " + fields.encode())
    assert process.start_time(7, str(tmp_path)) == 22


def test_pidfd_tells_the_end_and_refuses_a_reused_pid() -> None:
    child = subprocess.Popen(["sleep", "60"])
    start = process.start_time(child.pid)
    assert process.open_pidfd(child.pid, start + 1) is None
    pidfd = process.open_pidfd(child.pid, start)
    assert pidfd is not None
    try:
        assert not process.ended(pidfd)
        child.kill()
        child.wait()
        assert process.ended(pidfd)
    finally:
        os.close(pidfd)
    assert process.open_pidfd(child.pid, start) is None
    assert process.start_time(child.pid) == 0


PARENT = """
import os, sys
child = os.fork()
if child == 0:
    sys.stdin.readline()
    os._exit(42)
print(child, flush=True)
os.waitpid(child, 0)
"""


def test_exit_status_is_told_to_who_is_not_the_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pidfd = os.pidfd_open(int(parent.stdout.readline()))
    assert process.exit_status(pidfd) is None
    parent.communicate(b"\n")
    status = process.exit_status(pidfd)
    os.close(pidfd)
    if status is None:
        pytest.skip("this kernel does not keep exit statuses behind pidfds (before 6.15)")
    assert os.waitstatus_to_exitcode(status) == 42


def test_exit_status_of_a_running_process_is_unknown() -> None:
    pidfd = os.pidfd_open(os.getpid())
    assert process.exit_status(pidfd) is None
    os.close(pidfd)
