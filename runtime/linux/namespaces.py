"""Namespaces: a child born into new ones, entering others, and what a fresh one needs.

`clone` is a fork made by the system call itself, so that namespaces and pidfd come in one step;
the caller must have a single thread. Source: clone3(2), unshare(2), user_namespaces(7), netdevice(7).
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple

from runtime.linux.syscalls import CLONE3, number, syscall

NEWTIME = 0x00000080
NEWNS = 0x00020000
NEWCGROUP = 0x02000000
NEWUTS = 0x04000000
NEWIPC = 0x08000000
NEWUSER = 0x10000000
NEWPID = 0x20000000
NEWNET = 0x40000000

# Names as the OCI runtime specification spells them.
FLAGS = {
    "mount": NEWNS,
    "cgroup": NEWCGROUP,
    "uts": NEWUTS,
    "ipc": NEWIPC,
    "user": NEWUSER,
    "pid": NEWPID,
    "network": NEWNET,
}

_CLONE_PIDFD = 0x00001000
_CLONE_CLEAR_SIGHAND = 0x100000000
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


class IdMapping(NamedTuple):
    """A range of ids inside a user namespace and the host's ids it stands for."""

    inside: int
    outside: int
    size: int


def clone(flags: int) -> tuple[int, int]:
    """Fork into new namespaces: (pid, pidfd) in the parent, (0, -1) in the child.

    The child has no signal handlers; what was ignored stays ignored.
    """
    pidfd = ctypes.c_int(-1)
    flags |= _CLONE_PIDFD | _CLONE_CLEAR_SIGHAND
    arguments = struct.pack("<8Q", flags, ctypes.addressof(pidfd), 0, 0, signal.SIGCHLD, 0, 0, 0)
    buffer = ctypes.create_string_buffer(arguments, len(arguments))
    pid = syscall(CLONE3, buffer, len(arguments))
    return (pid, pidfd.value) if pid else (0, -1)


def unshare(flags: int) -> None:
    """Move this process into new namespaces (for pid: its next child)."""
    syscall(number("unshare"), flags)


def enter(descriptor: int, flags: int = 0) -> None:
    """Move this process into the namespace of an open /proc/PID/ns file."""
    syscall(number("setns"), descriptor, flags)


def map_ids(pid: int, uids: Iterable[IdMapping], gids: Iterable[IdMapping], *, privileged: bool) -> None:
    """Give a process in a fresh user namespace its ids.

    Without privilege only one's own ids can be mapped, and setgroups has to be denied first.
    """
    if not privileged:
        _write(f"/proc/{pid}/setgroups", "deny")
    _write(f"/proc/{pid}/uid_map", _lines(uids))
    _write(f"/proc/{pid}/gid_map", _lines(gids))


def _lines(mappings: Iterable[IdMapping]) -> str:
    return "".join(f"{inside} {outside} {size}\n" for inside, outside, size in mappings)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def loopback_up() -> None:
    """Bring up `lo` in this network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as control:
        request = bytearray(struct.pack("16sH22x", b"lo", 0))
        fcntl.ioctl(control, _SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("H", request, 16)
        struct.pack_into("H", request, 16, flags | _IFF_UP)
        fcntl.ioctl(control, _SIOCSIFFLAGS, request)


def set_hostname(name: str) -> None:
    """Host name of this uts namespace."""
    raw = name.encode()
    syscall(number("sethostname"), raw, len(raw))


def set_domainname(name: str) -> None:
    """NIS domain name of this uts namespace."""
    raw = name.encode()
    syscall(number("setdomainname"), raw, len(raw))
