"""How the files of a v1 hierarchy say what they say.

Source: Documentation/admin-guide/cgroup-v1 of the kernel.
"""

from __future__ import annotations

import os

# memory.*_in_bytes of an unlimited cgroup is the largest page-aligned number, which differs by page size.
_UNLIMITED = 1 << 62

_TICKS = os.sysconf("SC_CLK_TCK")


def byte_limit(content: bytes) -> int:
    """A memory limit in bytes; 0 for none."""
    limit = int(content)
    return 0 if limit >= _UNLIMITED else limit


def ticks(value: int) -> float:
    """Seconds of a number of USER_HZ ticks, as cpuacct.stat counts."""
    return value / _TICKS


def device_operations(content: bytes) -> dict[bytes, dict[bytes, int]]:
    """Numbers by major:minor and operation of a blkio file, whose lines are `8:0 Read 4096`.

    The closing `Total` belongs to no device.
    """
    found: dict[bytes, dict[bytes, int]] = {}
    if content.count(b"\n") < 2:
        return found
    for line in content.split(b"\n"):
        fields = line.split()
        if len(fields) == 3:
            found.setdefault(fields[0], {})[fields[1]] = int(fields[2])
    return found
