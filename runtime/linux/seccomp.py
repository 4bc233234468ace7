"""The narrow system call filter: a short fixed list of calls that lead out of a container, refused.

All else stays allowed. What is refused: new user namespaces (in one, a process may mount its cgroup and
lift its own limits), keyrings (those of a user are shared with every process of that id on the host), the
kernel's log, and interfaces whose flaws keep being used to break out. A call comes back as soon as a
capability is granted that is needed for it anyway. System calls of another architecture end the process.
Source: seccomp(2), Documentation/userspace-api/seccomp_filter.rst.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from runtime.linux import namespaces
from runtime.linux.capabilities import mask
from runtime.linux.syscalls import CLONE3, number, syscall

_LOAD = 0x20
_EQUAL = 0x15
_AT_LEAST = 0x35
_ANY_BIT = 0x45
_RETURN = 0x06

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_KILL_PROCESS = 0x80000000

_NUMBER = 0
_ARCHITECTURE = 4
_FIRST_ARGUMENT = 16

_SET_MODE_FILTER = 1
# Without it kernels before 5.16 slow the whole process down against speculative reads.
_SPEC_ALLOW = 4

_AF_ALG = 38
_AF_VSOCK = 40
_X32 = 0x40000000

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


class _Call(NamedTuple):
    """A call that is refused: by its name, or number where that is the same everywhere, and what lifts it."""

    call: str | int
    lifted_by: tuple[str, ...] = ()
    error: int = errno.EPERM


_CALLS = (
    # Its flags lie in memory, where no filter sees them: without it a libc takes clone.
    _Call(CLONE3, ("CAP_SYS_ADMIN",), errno.ENOSYS),
    _Call("setns", ("CAP_SYS_ADMIN",)),
    _Call("add_key"),
    _Call("request_key"),
    _Call("keyctl"),
    _Call("syslog", ("CAP_SYSLOG", "CAP_SYS_ADMIN")),
    _Call("open_by_handle_at", ("CAP_DAC_READ_SEARCH", "CAP_SYS_ADMIN")),
    _Call("bpf", ("CAP_BPF", "CAP_SYS_ADMIN")),
    _Call("perf_event_open", ("CAP_PERFMON", "CAP_SYS_ADMIN")),
    _Call("userfaultfd", ("CAP_SYS_PTRACE", "CAP_SYS_ADMIN")),
    _Call(425),  # io_uring_setup, io_uring_enter, io_uring_register
    _Call(426),
    _Call(427),
)


class Filter(NamedTuple):
    """A program in memory and the header that points to it, made before the fork: the child only installs it."""

    instructions: ctypes.Array[ctypes.c_char]
    header: bytes


def narrow(capabilities: int) -> Filter:
    """The filter for a process that can have these capabilities (a bit mask); NotSupported elsewhere."""
    return prepared(b"".join(_program(capabilities)))


def prepared(program: bytes) -> Filter:
    """A program of classic BPF, ready to be installed."""
    instructions = ctypes.create_string_buffer(program, len(program))
    return Filter(instructions, struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions)))


def _program(capabilities: int) -> Iterator[bytes]:
    machine = os.uname().machine
    yield _step(_LOAD, _ARCHITECTURE)
    yield _step(_EQUAL, _ARCHITECTURES.get(machine, 0), 1)
    yield _step(_RETURN, _KILL_PROCESS)
    yield _step(_LOAD, _NUMBER)
    if machine == "x86_64":
        yield _step(_AT_LEAST, _X32, 0, 1)
        yield _refuse(errno.ENOSYS)
    for call, lifted_by, error in _CALLS:
        if not capabilities & mask(lifted_by):
            yield _step(_EQUAL, call if isinstance(call, int) else number(call), 0, 1)
            yield _refuse(error)
    if not capabilities & mask(("CAP_SYS_ADMIN",)):
        for name in ("unshare", "clone"):
            yield _step(_EQUAL, number(name), 0, 4)
            yield _step(_LOAD, _FIRST_ARGUMENT)
            yield _step(_ANY_BIT, namespaces.NEWUSER, 0, 1)
            yield _refuse(errno.EPERM)
            yield _step(_RETURN, _ALLOW)
    yield _step(_EQUAL, number("socket"), 0, 4)
    yield _step(_LOAD, _FIRST_ARGUMENT)
    yield _step(_EQUAL, _AF_ALG, 1, 0)
    yield _step(_EQUAL, _AF_VSOCK, 0, 1)
    yield _refuse(errno.EAFNOSUPPORT)
    yield _step(_RETURN, _ALLOW)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One instruction; a jump skips that many."""
    return struct.pack("<HBBI", code, if_true, if_false, value)


def _refuse(error: int) -> bytes:
    return _step(_RETURN, _ERRNO | error)


def install(made: Filter) -> None:
    """Put this process, and all it starts, under a filter for good; needs no_new_privs or CAP_SYS_ADMIN."""
    syscall(number("seccomp"), _SET_MODE_FILTER, _SPEC_ALLOW, made.header)
