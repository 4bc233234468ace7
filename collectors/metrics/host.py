"""The host's own few figures: size, and processes killed for want of memory."""

from __future__ import annotations

import os

from collectors.metrics import catalogue
from collectors.metrics.catalogue import Family
from collectors.metrics.rows import Number


def sections(proc: str = "/proc") -> list[tuple[Family, list[tuple[str, Number]]]]:
    """Families with their one value each; what this kernel does not tell is left out.

    Source: proc_meminfo(5) in KiB, oom_kill of proc_vmstat(5).
    """
    memory = _keyed(f"{proc}/meminfo")
    figures: list[tuple[Family, Number | None]] = [
        (catalogue.MACHINE_CPU_CORES, os.cpu_count()),
        (catalogue.MACHINE_MEMORY, _kibibytes(memory.get(b"MemTotal:"))),
        (catalogue.MACHINE_SWAP, _kibibytes(memory.get(b"SwapTotal:"))),
        (catalogue.HOST_OOM_KILLS, _keyed(f"{proc}/vmstat").get(b"oom_kill")),
    ]
    return [(family, [("", value)]) for family, value in figures if value is not None]


def _keyed(path: str) -> dict[bytes, int]:
    """First number behind each key; nothing when the file is not there."""
    try:
        with open(path, "rb") as file:
            fields = [line.split() for line in file]
    except FileNotFoundError:
        return {}
    return {line[0]: int(line[1]) for line in fields if len(line) > 1 and line[1].isdigit()}


def _kibibytes(value: int | None) -> int | None:
    return None if value is None else value * 1024
