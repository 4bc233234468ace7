"""Signals of this process as the kernel sees them. Source: signal(7), proc_pid_status(5)."""

from __future__ import annotations

import ctypes
import os
import signal
import struct

from runtime.linux.syscalls import number, syscall

# All that can be caught or blocked; 32 and 33 belong to the C library.
ALL = frozenset(range(1, 65)) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}
_SIG_SETMASK = 2
_SIG_DFL, _SIG_IGN = 0, 1
# struct sigaction of the kernel: handler, flags, restorer, mask.
_ACTION = struct.Struct("<4Q")
# Several times what the kernel writes; the signals stand in its first half.
_STATUS_SIZE = 8192
_MASK = struct.Struct("<Q")
_EVERYTHING = _MASK.pack(sum(1 << number - 1 for number in ALL))
NOTHING = _MASK.pack(0)


def ignored(proc: str = "/proc") -> tuple[int, ...]:
    """Signals that this process ignores; the only dispositions that survive execve.

    The C library's own two are among them when a parent set them so behind its back, as a Go program does.
    """
    file = os.open(f"{proc}/self/status", os.O_RDONLY | os.O_CLOEXEC)
    content = os.read(file, _STATUS_SIZE)
    os.close(file)
    start = content.index(b"SigIgn:") + 7
    mask = int(content[start : content.index(b"\n", start)], 16)
    return tuple(number for number in range(1, 65) if mask >> (number - 1) & 1)


def set_default(signal_number: int) -> None:
    """The default action for a signal again, also for those that the C library keeps for itself."""
    _set_action(signal_number, _SIG_DFL)


def ignore(signal_number: int) -> None:
    """Ignore a signal, also one of those that the C library keeps for itself."""
    _set_action(signal_number, _SIG_IGN)


def _set_action(signal_number: int, action: int) -> None:
    syscall(number("rt_sigaction"), signal_number, _ACTION.pack(action, 0, 0, 0), None, _MASK.size)


def set_mask(mask: bytes) -> bytes:
    """Block exactly the signals of a mask, as the kernel packs it; the mask before.

    The interpreter's own function makes an object of each of 64 signals, in each process of a start.
    """
    before = bytearray(_MASK.size)
    buffer = (ctypes.c_char * _MASK.size).from_buffer(before)
    syscall(number("rt_sigprocmask"), _SIG_SETMASK, mask, buffer, _MASK.size)
    return bytes(before)


def block_all() -> bytes:
    """Block every signal that can be; the mask before."""
    return set_mask(_EVERYTHING)
