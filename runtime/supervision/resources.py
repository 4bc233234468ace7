"""A workload's limits in OCI terms. Source: OCI runtime-spec config-linux.md "Control groups"."""

from __future__ import annotations

from typing import Any

from runtime.supervision.spec import Resources, size

PERIOD = 100_000
# Docker's device rules without mknod of others: the standard nodes and terminals.
DEVICES: list[dict[str, Any]] = [
    {"allow": False, "access": "rwm"},
    *(
        {"allow": True, "type": "c", "major": major, "minor": minor, "access": "rwm"}
        for major, minor in ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2))
    ),
    {"allow": True, "type": "c", "major": 136, "access": "rwm"},
]


def oci_resources(resources: Resources) -> dict[str, Any]:
    """`linux.resources` of a workload; only what was asked for, and the devices."""
    found: dict[str, Any] = {"devices": DEVICES}
    cpu = _cpu(resources)
    if cpu:
        found["cpu"] = cpu
    if resources.memory is not None:
        limit = size(resources.memory)
        found["memory"] = {"limit": limit}
        if resources.swap is not None:
            found["memory"]["swap"] = limit + size(resources.swap)
    if resources.memory_high is not None:
        found["unified"] = {"memory.high": str(size(resources.memory_high))}
    if resources.pids is not None:
        found["pids"] = {"limit": resources.pids}
    return found


def oci_rlimits(resources: Resources) -> list[dict[str, Any]]:
    """`process.rlimits`: soft and hard are the same."""
    wanted = (("RLIMIT_NOFILE", resources.files.nofile), ("RLIMIT_NPROC", resources.files.nproc))
    return [{"type": name, "soft": value, "hard": value} for name, value in wanted if value is not None]


def _cpu(resources: Resources) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if resources.cpus is not None:
        # The kernel takes no quota below 1 ms.
        found |= {"period": PERIOD, "quota": max(1000, round(resources.cpus * PERIOD))}
    if resources.cpuset is not None:
        found["cpus"] = resources.cpuset
    return found
