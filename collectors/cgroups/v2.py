"""How the files of the v2 hierarchy say what they say.

Source: Documentation/admin-guide/cgroup-v2.rst of the kernel.
"""

from __future__ import annotations


def limit(content: bytes) -> int:
    """A limit; 0 for `max`, which is none."""
    return 0 if content.startswith(b"max") else int(content)


def quota(content: bytes) -> tuple[int, int]:
    """(quota, period) of cpu.max in microseconds; quota 0 for none."""
    allowed, period = content.split()
    return limit(allowed), int(period)


def shares(weight: int) -> int:
    """cpu.weight (1 to 10,000) as the cpu.shares (2 to 262,144) it was made from, as cAdvisor converts."""
    return 2 + (weight - 1) * 262142 // 9999


def device_counters(content: bytes) -> dict[bytes, dict[bytes, int]]:
    """Counters by major:minor of io.stat, whose lines are `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …`.

    A device the kernel has no counters for yet is left out; some kernels do not end its line.
    """
    found: dict[bytes, dict[bytes, int]] = {}
    device = b""
    for token in content.split():
        key, equals, value = token.partition(b"=")
        if not equals:
            device = token
        elif value.isdigit():
            found.setdefault(device, {})[key] = int(value)
    return found


def pressure(content: bytes) -> tuple[int | None, int | None]:
    """Microseconds of `some` and `full` of a pressure file; None for a line that is not there."""
    at = content.find(b"total=") + 6
    if at < 6:
        return None, None
    end = content.find(b"\n", at)
    some = int(content[at:end])
    if content.startswith(b"full"):
        return None, some
    full = int(content[content.rfind(b"=") + 1 :]) if content.startswith(b"full", end + 1) else None
    return some, full
