"""What a unit of systemd is doing: whether its cgroup has processes, and which activation of it this is.

Source: cgroup.events in the kernel's cgroup-v2 document; the links in /run/systemd/units, which hold the
invocation id of each active unit (systemd.exec(5), $INVOCATION_ID) and are replaced when it changes.
"""

from __future__ import annotations

import contextlib
import os

from collectors.cgroups.procs import pids_in
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import SYSTEMD, UNIFIED, Hierarchies

UNITS = "run/systemd/units"
INVOCATION = "invocation:"

_MOST_CGROUPS = 64


def invocation_of(unit: str, root: str = "/") -> tuple[str, float | None]:
    """The id of a unit's present activation, and when it began; empty and None when systemd tells of none."""
    link = f"{root.rstrip('/')}/{UNITS}/{INVOCATION}{unit}"
    try:
        return os.readlink(link), os.lstat(link).st_mtime
    except OSError:
        return "", None


def is_populated(hierarchies: Hierarchies, path: str) -> bool:
    """Whether there are processes in a cgroup or below it."""
    with contextlib.suppress(OSError, NotSupported):
        events = f"{hierarchies.directory(UNIFIED, path)}/cgroup.events"
        with open(events, encoding="ascii", errors="replace") as file:
            if "populated 1" in file.read():
                return True
        if not hierarchies.v1:
            return False
    return _holds_processes(hierarchies, path)


def _holds_processes(hierarchies: Hierarchies, path: str) -> bool:
    """The same where the kernel does not tell at once: by looking into some of the cgroups below, too.

    One with more empty cgroups than that is taken for populated.
    """
    waiting = [path]
    for _ in range(_MOST_CGROUPS):
        if not waiting:
            return False
        here = waiting.pop(0)
        if pids_in(hierarchies, here):
            return True
        waiting += _below(hierarchies, here)
    return True


def _below(hierarchies: Hierarchies, path: str) -> list[str]:
    try:
        with os.scandir(hierarchies.directory(SYSTEMD, path)) as entries:
            return [f"{path}/{one.name}" for one in entries if one.is_dir(follow_symlinks=False)]
    except (OSError, NotSupported):
        return []
