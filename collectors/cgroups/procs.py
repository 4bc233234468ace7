"""Which processes are in a cgroup."""

from __future__ import annotations

from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import SYSTEMD, UNIFIED, Hierarchies

# An engine moves a process into one hierarchy after the other, so the first that has any tells.
_ORDER = ("pids", "memory", UNIFIED, SYSTEMD, "cpu", "cpuacct", "cpuset")


def pids_in(hierarchies: Hierarchies, path: str) -> list[int]:
    """Pids in one cgroup (not in those below it), as this process counts them; empty when it is gone.

    A process that this pid namespace cannot see reads as 0 and is left out.
    """
    for controller in _ORDER:
        try:
            with open(f"{hierarchies.directory(controller, path)}/cgroup.procs", "rb") as file:
                pids = [int(pid) for pid in file.read().split()]
        except (OSError, NotSupported):
            continue
        if found := [pid for pid in pids if pid]:
            return found
    return []
