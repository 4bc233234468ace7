"""What a process has open: how many descriptors, how many of them are sockets, and how many it may have."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable

from collectors.cgroups.procs import content_of
from collectors.cgroups.reader import GONE

# The soft limit in proc_pid_limits(5).
_OPEN_FILES = re.compile(rb"^Max open files +(\d+|unlimited) ", re.MULTILINE)
UNLIMITED = -1

Counter = Callable[[int], int | None]


def descriptor_counter(proc: str = "/proc") -> Counter:
    """How to count the descriptors of a process on this kernel: None when it has ended, OSError else.

    Since Linux 6.2 the directory's size is their number, and anyone may see it; before, it is 0.
    """

    def by_size(pid: int) -> int | None:
        try:
            return os.stat(f"{proc}/{pid}/fd").st_size
        except OSError as error:
            _unless_gone(error)
            return None

    def by_listing(pid: int) -> int | None:
        try:
            return len(os.listdir(f"{proc}/{pid}/fd"))
        except OSError as error:
            _unless_gone(error)
            return None

    return by_size if os.stat(f"{proc}/self/fd").st_size else by_listing


def sockets_of(pid: int, proc: str = "/proc") -> int | None:
    """How many descriptors of a process are sockets, by looking at each; None when it has ended. Raises OSError."""
    directory = f"{proc}/{pid}/fd"
    found = 0
    try:
        for name in os.listdir(directory):
            # A descriptor may be closed before it is looked at.
            with contextlib.suppress(FileNotFoundError):
                found += os.readlink(f"{directory}/{name}").startswith("socket:")
    except OSError as error:
        _unless_gone(error)
        return None
    return found


def limit_of(pid: int, proc: str = "/proc") -> int | None:
    """Soft limit on open files, UNLIMITED for none; None when the process has ended."""
    found = _OPEN_FILES.search(content_of(f"{proc}/{pid}/limits"))
    if found is None:
        return None
    return UNLIMITED if found[1] == b"unlimited" else int(found[1])


def _unless_gone(error: OSError) -> None:
    if error.errno not in GONE:
        raise error
