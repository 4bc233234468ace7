"""Who dies first when a container's memory is used up: its command, never PID 1 before it.

PID 1 killed in the command's place would take the command's true end with it. Where its score cannot be
lowered (that needs CAP_SYS_RESOURCE) the command's is raised by as much of the container's memory limit as
PID 1 has mapped; without a limit nothing is changed. Source: proc_pid_oom_score_adj(5).
"""

from __future__ import annotations

import os

# One above "never": where a whole cgroup is to be killed, its PID 1 is too.
LAST_CHOICE = -999
HIGHEST = 1000
# What PID 1 has mapped, shared pages too, rounded up: the kernel's measure.
MAPPED = 8 << 20


def prefer(init: int, command: int, limit: int | None) -> None:
    """Set the scores of both, which run already; `limit` is the container's memory limit in bytes."""
    try:
        _write(init, LAST_CHOICE)
    except PermissionError:
        if limit:
            _write(command, min(HIGHEST, _read(command) + -(-MAPPED * HIGHEST // limit)))
    except ProcessLookupError:
        pass  # it has failed already, and its report says why


def _read(pid: int) -> int:
    with open(f"/proc/{pid}/oom_score_adj", "rb", buffering=0) as file:
        return int(file.read() or 0)


def _write(pid: int, score: int) -> None:
    descriptor = os.open(f"/proc/{pid}/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, b"%d" % score)
    finally:
        os.close(descriptor)
