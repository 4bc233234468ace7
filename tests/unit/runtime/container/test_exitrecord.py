"""Exit records: who knows how it ended, what that means, and how it is kept."""

from __future__ import annotations

import json
import os
import pathlib
import signal

import pytest

from runtime.container import exitrecord
from runtime.container.exitrecord import Ending, ending_of, judge
from runtime.container.protocol import write_file
from runtime.container.status import write_status


def ended_child(code: int = 0, number: int = 0) -> tuple[int, int]:
    """A child that has ended and is not reaped: pid and pidfd."""
    pid = os.fork()
    if not pid:
        if number:
            os.kill(os.getpid(), number)
        os._exit(code)
    pidfd = os.pidfd_open(pid)
    os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOWAIT)
    return pid, pidfd


def test_a_parent_learns_code_or_signal(tmp_path: pathlib.Path) -> None:
    pid, pidfd = ended_child(code=42)
    assert ending_of(str(tmp_path), pid, pidfd) == Ending(code=42)
    os.close(pidfd)
    pid, pidfd = ended_child(number=signal.SIGKILL)
    assert ending_of(str(tmp_path), pid, pidfd) == Ending(signal=9)
    os.close(pidfd)


def test_the_record_of_init_comes_first(tmp_path: pathlib.Path) -> None:
    pid, pidfd = ended_child(code=143)
    descriptor = os.open(tmp_path / "status", os.O_RDWR | os.O_CREAT)
    write_status(descriptor, signal=15)
    os.close(descriptor)
    assert ending_of(str(tmp_path), pid, pidfd) == Ending(signal=15)
    assert exitrecord.ended_at(str(tmp_path)) == (tmp_path / "status").stat().st_mtime
    os.close(pidfd)


def test_what_the_zygote_reaped_is_believed_for_that_pid_only(tmp_path: pathlib.Path) -> None:
    write_file(f"{tmp_path}/reaped", {"pid": 7, "start": 1, "status": 3 << 8})
    assert exitrecord.from_zygote(str(tmp_path), 7) == Ending(code=3)
    assert exitrecord.from_zygote(str(tmp_path), 8) is None


def test_the_kernel_tells_a_stranger_after_the_reaping(tmp_path: pathlib.Path) -> None:
    pid, pidfd = ended_child(code=5)
    os.waitpid(pid, 0)
    found = exitrecord.from_pidfd(pidfd)
    if found is None:
        pytest.skip("this kernel has no PIDFD_INFO_EXIT (6.15)")
    assert found == Ending(code=5)
    assert ending_of(str(tmp_path), pid, pidfd) == Ending(code=5)
    os.close(pidfd)


def test_what_nobody_knows_is_unknown(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exitrecord, "PATIENCE", 0.0)
    pid, pidfd = ended_child()
    os.waitpid(pid, 0)
    os.close(pidfd)
    assert ending_of(str(tmp_path), pid, None) == Ending()


@pytest.mark.parametrize(
    ("ending", "stopped", "oom_kills", "reason"),
    [
        (Ending(code=0), False, 0, "completed"),
        (Ending(code=3), False, 0, "error"),
        (Ending(signal=9), False, 0, "signal"),
        (Ending(signal=9), False, 1, "oom"),
        (Ending(code=137), False, 2, "oom"),
        (Ending(code=0), False, 1, "completed"),
        (Ending(signal=9), True, 1, "stopped"),
        (Ending(), False, 0, "unknown"),
    ],
)
def test_reasons(ending: Ending, stopped: bool, oom_kills: int, reason: str) -> None:
    assert judge(ending, stopped=stopped, oom_kills=oom_kills) == reason


def test_a_killed_one_has_the_code_of_its_signal() -> None:
    assert [one.exit_code for one in (Ending(signal=9), Ending(code=3), Ending())] == [137, 3, None]


def test_records_are_bounded(tmp_path: pathlib.Path) -> None:
    directory = tmp_path / "exits"
    for run in range(1, exitrecord.KEEP + 4):
        exitrecord.write_record(str(directory), run, {"reason": "error"})
    runs = sorted(int(path.stem) for path in directory.iterdir())
    assert runs == list(range(4, exitrecord.KEEP + 4))
    assert json.loads((directory / "4.json").read_text()) == {"format": 1, "run": 4, "reason": "error"}


def test_signals_by_name_and_number() -> None:
    assert exitrecord.signal_number("SIGTERM") == exitrecord.signal_number("TERM") == 15
    assert exitrecord.signal_number("10") == 10
    with pytest.raises(ValueError, match="SIGNOPE"):
        exitrecord.signal_number("SIGNOPE")
