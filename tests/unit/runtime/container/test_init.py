"""The built-in init with a real command, outside of any container."""

from __future__ import annotations

import os
import pathlib
import signal
import time

import pytest

from runtime.container import init
from runtime.container.status import read_status
from runtime.linux import prctl, signals


def run_init(script: str, status: pathlib.Path) -> int:
    """Pid of a process that serves as init for a shell script; ready once the script says so."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        os.read(read, 1)
        os.close(read)
        return pid
    signal.pthread_sigmask(signal.SIG_BLOCK, signals.ALL)
    prctl.set_child_subreaper()
    record = os.open(status, os.O_CREAT | os.O_WRONLY)
    command = os.fork()
    if command == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.dup2(write, 3)
        os.execv("/bin/sh", ["sh", "-c", f"{script}"])
    os.close(write)
    os._exit(init.serve(command, record))


@pytest.mark.parametrize(
    ("script", "code", "recorded"),
    [
        ("echo x >&3; exit 5", 5, (5, None)),
        ("echo x >&3; kill -KILL $$", 137, (None, 9)),
        # Orphans that end before the command must not be taken for it.
        ("(sh -c 'exit 9' &); sleep 0.05; echo x >&3; exit 4", 4, (4, None)),
    ],
)
def test_leaves_with_the_commands_end(
    tmp_path: pathlib.Path, script: str, code: int, recorded: tuple[int | None, int | None]
) -> None:
    pid = run_init(script, tmp_path / "status")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code
    assert read_status(str(tmp_path / "status")) == recorded


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR2, signal.SIGRTMIN + 3])
def test_forwards(tmp_path: pathlib.Path, number: int) -> None:
    script = f"trap 'exit 6' {int(number)}; echo x >&3; while :; do sleep 0.02; done"
    pid = run_init(script, tmp_path / "status")
    os.kill(pid, number)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 6


def test_a_stopped_command_is_no_end(tmp_path: pathlib.Path) -> None:
    pid = run_init("echo x >&3; kill -STOP $$; exit 8", tmp_path / "status")
    end = time.monotonic() + 5
    while os.waitpid(pid, os.WNOHANG) == (0, 0) and time.monotonic() < end:
        # A signal sent before the command has stopped itself would be lost: repeat it.
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.005)
    assert read_status(str(tmp_path / "status")) == (8, None)
