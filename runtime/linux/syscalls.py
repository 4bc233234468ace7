"""One door to the system calls that Python has no function for.

Calls keep the interpreter lock: most last microseconds, and after a bare clone the child must hold it.
Numbers from 424 on are the same on every architecture; older ones are looked up.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping

from runtime.linux.errors import NotSupported

OPEN_TREE = 428
MOVE_MOUNT = 429
FSOPEN = 430
FSCONFIG = 431
FSMOUNT = 432
CLONE3 = 435
CLOSE_RANGE = 436
OPENAT2 = 437
MOUNT_SETATTR = 442

_OLDER: Mapping[str, Mapping[str, int]] = {
    "x86_64": {
        "rt_sigaction": 13,
        "rt_sigprocmask": 14,
        "setgroups": 116,
        "setresuid": 117,
        "setresgid": 119,
        "capset": 126,
        "pivot_root": 155,
        "umount2": 166,
        "sethostname": 170,
        "setdomainname": 171,
        "keyctl": 250,
        "unshare": 272,
        "setns": 308,
        "prctl": 157,
        "clone": 56,
        "socket": 41,
        "syslog": 103,
        "add_key": 248,
        "request_key": 249,
        "open_by_handle_at": 304,
        "perf_event_open": 298,
        "seccomp": 317,
        "bpf": 321,
        "userfaultfd": 323,
    },
    "aarch64": {
        "umount2": 39,
        "pivot_root": 41,
        "capset": 91,
        "unshare": 97,
        "rt_sigaction": 134,
        "rt_sigprocmask": 135,
        "setresuid": 147,
        "setresgid": 149,
        "setgroups": 159,
        "sethostname": 161,
        "setdomainname": 162,
        "prctl": 167,
        "keyctl": 219,
        "setns": 268,
        "clone": 220,
        "socket": 198,
        "syslog": 116,
        "add_key": 217,
        "request_key": 218,
        "open_by_handle_at": 265,
        "perf_event_open": 241,
        "seccomp": 277,
        "bpf": 280,
        "userfaultfd": 282,
    },
}

_libc = ctypes.PyDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long
_syscall.argtypes = [ctypes.c_long] + [ctypes.c_void_p] * 6

Argument = int | bytes | None | ctypes.Array[ctypes.c_char]


_MACHINE = os.uname().machine
_HERE = _OLDER.get(_MACHINE, {})


def number(name: str) -> int:
    """Number of an older system call here; NotSupported on an architecture that is not known."""
    try:
        return _HERE[name]
    except KeyError:
        raise NotSupported(
            f"the built-in executor does not know architecture {_MACHINE}; use engine: runc"
        ) from None


def syscall(
    nr: int,
    a: Argument = 0,
    b: Argument = 0,
    c: Argument = 0,
    d: Argument = 0,
    e: Argument = 0,
    f: Argument = 0,
) -> int:
    """Result of a system call; OSError with the kernel's errno when it failed."""
    result = int(_syscall(nr, a, b, c, d, e, f))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
