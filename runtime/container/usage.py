"""What a cgroup used in all, read once its last process has died; a key that the kernel lacks is absent.

Source: cgroup-v1/{cpuacct,memory,blkio-controller,pids}.rst, cgroup-v2.rst.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

Directory = Callable[[str], str | None]
_PIECE = 65536


def read(path: str) -> str:
    """Content of a small file; empty when it is not there (any more)."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    content = b""
    try:
        while piece := os.read(file, _PIECE):
            content += piece
    except OSError:
        # Removed while it was read.
        return ""
    finally:
        os.close(file)
    return content.decode()


def keyed(path: str) -> dict[str, int]:
    """A file of `key number` lines."""
    pairs = (line.split() for line in read(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def final(directory: Directory, versions: Mapping[str, int]) -> dict[str, Any]:
    """Totals: cpu_seconds, cpu_user_seconds, cpu_system_seconds, throttled_periods, throttled_seconds,
    memory_peak, oom_kills, pids_peak, io {read_bytes, write_bytes}. Seconds and bytes."""
    found: dict[str, Any] = {}
    if versions.get("cpuacct") == 1:
        found |= _cpu_v1(str(directory("cpuacct")), directory("cpu"))
    elif (unified := directory("unified")) is not None:
        found |= _cpu_v2(unified)
    for controller, readers in _READERS.items():
        version = versions.get(controller)
        place = directory(controller)
        if version and place is not None:
            found |= readers[version - 1](place)
    return found


def _cpu_v1(accounting: str, control: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    _seconds(found, "cpu_seconds", read(f"{accounting}/cpuacct.usage"), 1e9)
    _seconds(found, "cpu_user_seconds", read(f"{accounting}/cpuacct.usage_user"), 1e9)
    _seconds(found, "cpu_system_seconds", read(f"{accounting}/cpuacct.usage_sys"), 1e9)
    throttle = keyed(f"{control}/cpu.stat") if control else {}
    if "nr_throttled" in throttle:
        found["throttled_periods"] = throttle["nr_throttled"]
        found["throttled_seconds"] = throttle.get("throttled_time", 0) / 1e9
    return found


def _cpu_v2(unified: str) -> dict[str, Any]:
    stat = keyed(f"{unified}/cpu.stat")
    names = {
        "usage_usec": "cpu_seconds",
        "user_usec": "cpu_user_seconds",
        "system_usec": "cpu_system_seconds",
        "throttled_usec": "throttled_seconds",
    }
    found: dict[str, Any] = {ours: stat[theirs] / 1e6 for theirs, ours in names.items() if theirs in stat}
    if "nr_throttled" in stat:
        found["throttled_periods"] = stat["nr_throttled"]
    return found


def _memory_v1(place: str) -> dict[str, Any]:
    found = _number("memory_peak", f"{place}/memory.max_usage_in_bytes")
    control = keyed(f"{place}/memory.oom_control")
    return found | ({"oom_kills": control["oom_kill"]} if "oom_kill" in control else {})


def _memory_v2(place: str) -> dict[str, Any]:
    found = _number("memory_peak", f"{place}/memory.peak")
    events = keyed(f"{place}/memory.events")
    return found | ({"oom_kills": events["oom_kill"]} if "oom_kill" in events else {})


def _pids(place: str) -> dict[str, Any]:
    return _number("pids_peak", f"{place}/pids.peak")


def _io_v1(place: str) -> dict[str, Any]:
    """Lines `MAJOR:MINOR Read BYTES`; a kernel that counts only after a throttle rule has no line."""
    totals = {"Read": 0, "Write": 0}
    lines = [line.split() for line in read(f"{place}/blkio.throttle.io_service_bytes").splitlines()]
    found = [line for line in lines if len(line) == 3 and line[1] in totals]
    for _, operation, number in found:
        totals[operation] += int(number)
    return {"io": {"read_bytes": totals["Read"], "write_bytes": totals["Write"]}} if found else {}


def _io_v2(place: str) -> dict[str, Any]:
    """Lines `MAJOR:MINOR rbytes=N wbytes=N …`."""
    lines = [line.split()[1:] for line in read(f"{place}/io.stat").splitlines()]
    pairs = [pair.split("=") for line in lines for pair in line if "=" in pair]
    if not pairs:
        return {}
    total = {key: sum(int(value) for name, value in pairs if name == key) for key in ("rbytes", "wbytes")}
    return {"io": {"read_bytes": total["rbytes"], "write_bytes": total["wbytes"]}}


def _number(key: str, path: str) -> dict[str, Any]:
    text = read(path).strip()
    return {key: int(text)} if text.isdigit() else {}


def _seconds(found: dict[str, Any], key: str, text: str, per_second: float) -> None:
    if text.strip():
        found[key] = int(text) / per_second


_READERS: dict[str, tuple[Callable[[str], dict[str, Any]], Callable[[str], dict[str, Any]]]] = {
    "memory": (_memory_v1, _memory_v2),
    "pids": (_pids, _pids),
    "blkio": (_io_v1, _io_v1),
    "io": (_io_v2, _io_v2),
}
