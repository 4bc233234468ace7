"""User and group ids of this thread, by bare system call.

libc's wrappers speak to the other threads it remembers, which after a bare clone do not exist.
Source: setresuid(2), setgroups(2).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from runtime.linux.syscalls import number, syscall


def set_groups(groups: Sequence[int]) -> None:
    """Replace the supplementary groups."""
    syscall(number("setgroups"), len(groups), struct.pack(f"<{len(groups)}I", *groups))


def set_group(gid: int) -> None:
    """Set real, effective and saved group id."""
    syscall(number("setresgid"), gid, gid, gid)


def set_user(uid: int) -> None:
    """Set real, effective and saved user id."""
    syscall(number("setresuid"), uid, uid, uid)
