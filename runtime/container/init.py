"""PID 1 of a container: forwards signals to the command, reaps orphans, leaves with the command's code.

When it leaves, the kernel ends whatever else still runs in the pid namespace. It holds no descriptor but
/dev/null and the status record, and no capability but CAP_KILL.
"""

from __future__ import annotations

import os
import signal

from runtime.container.status import write_status
from runtime.linux import signals


def serve(command: int, status: int) -> int:
    """Wait until the command ends, forwarding all else; the exit code to leave with (128 + signal).

    All signals must be blocked: what the pid namespace sends to an unblocked PID 1 is lost.
    """
    while True:
        number = signal.sigwaitinfo(signals.ALL).si_signo
        if number != signal.SIGCHLD:
            _forward(command, number)
            continue
        ended = _reap(command)
        if ended is not None:
            return _record(ended, status)


def _forward(command: int, number: int) -> None:
    try:
        os.kill(command, number)
    except (ProcessLookupError, PermissionError):
        # It has just ended, or belongs to somebody else now: its end arrives as SIGCHLD.
        pass


def _reap(command: int) -> int | None:
    """Collect all that have ended; the wait status of the command when it is among them."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == command:
            found = status


def _record(wait_status: int, status: int) -> int:
    if os.WIFSIGNALED(wait_status):
        number = os.WTERMSIG(wait_status)
        if status >= 0:
            write_status(status, signal=number)
        return 128 + number
    code = os.WEXITSTATUS(wait_status)
    if status >= 0:
        write_status(status, code=code)
    return code
