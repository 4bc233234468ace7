"""System calls that may wait for a disk or a peer: they let go of the interpreter lock meanwhile.

To be used in threads of their own. `runtime.linux.syscalls` keeps the lock, and so does `fcntl.ioctl` for a
buffer of more than 1024 bytes: a call that never comes back would take the whole process with it.
"""

from __future__ import annotations

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long
_syscall.argtypes = [ctypes.c_long] + [ctypes.c_void_p] * 4
_ioctl = _libc.ioctl
_ioctl.restype = ctypes.c_int
_ioctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p]

Buffer = ctypes.Array[ctypes.c_char]


def syscall(nr: int, a: int, b: int, c: int, d: Buffer | None = None) -> int:
    """Result of a system call; OSError with the kernel's errno when it failed."""
    return _checked(int(_syscall(nr, a, b, c, d)))


def ioctl(descriptor: int, request: int, buffer: Buffer) -> int:
    """Result of an ioctl that reads and writes `buffer`; OSError with the kernel's errno when it failed."""
    return _checked(int(_ioctl(descriptor, request, buffer)))


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
