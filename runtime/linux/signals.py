"""Signals of this process as the kernel sees them. Source: signal(7), proc_pid_status(5)."""

from __future__ import annotations

import signal

# All that can be caught or blocked; 32 and 33 belong to the C library.
ALL = frozenset(range(1, 65)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}


def ignored(proc: str = "/proc") -> tuple[int, ...]:
    """Signals that this process ignores; the only dispositions that survive execve."""
    with open(f"{proc}/self/status", "rb", buffering=0) as file:
        content = file.read() or b""
    start = content.index(b"SigIgn:") + 7
    mask = int(content[start : content.index(b"\n", start)], 16)
    return tuple(number for number in ALL if mask >> (number - 1) & 1)
