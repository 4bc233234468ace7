"""The host's own few figures: its size, and processes killed for want of memory."""

from __future__ import annotations

import os
import re

from collectors.metrics import catalogue, topology
from collectors.metrics.catalogue import Family
from collectors.metrics.rows import Number

Sections = list[tuple[Family, list[tuple[str, Number]]]]

_IDENTIFIER = re.compile(r"[0-9A-Za-z-]{1,64}")


class HostFigures:
    """Families with their values, labels rendered; what the kernel does not tell is left out.

    `with_topology` adds caches, threads and NUMA nodes. Source: proc_meminfo(5), oom_kill of proc_vmstat(5),
    Documentation/admin-guide/cputopology.rst.
    """

    def __init__(
        self, *, proc: str = "/proc", sys: str = "/sys", rootfs: str = "/", with_topology: bool = False
    ) -> None:
        self._proc = proc
        self._sys = sys
        self._with_topology = with_topology
        self._machine = _machine(proc, sys, rootfs)
        self._online = ""
        self._cpus: list[topology.Cpu] = []

    def sections(self) -> Sections:
        """All families now."""
        if (online := topology.online(self._sys)) != self._online:
            self._online, self._cpus = online, topology.cpus(self._sys)
        cpus = self._cpus
        memory = _keyed(f"{self._proc}/meminfo")
        figures: list[tuple[Family, Number | None]] = [
            (catalogue.MACHINE_CPU_CORES, len(cpus) or os.cpu_count()),
            (catalogue.MACHINE_CPU_PHYSICAL_CORES, len({(cpu.package, cpu.core) for cpu in cpus}) or None),
            (catalogue.MACHINE_CPU_SOCKETS, len({cpu.package for cpu in cpus}) or None),
            (catalogue.MACHINE_MEMORY, _kibibytes(memory.get(b"MemTotal:"))),
            (catalogue.MACHINE_SWAP, _kibibytes(memory.get(b"SwapTotal:"))),
        ]
        told: Sections = [
            (family, [(self._machine, value)]) for family, value in figures if value is not None
        ]
        kills = _keyed(f"{self._proc}/vmstat").get(b"oom_kill")
        if kills is not None:
            told.append((catalogue.HOST_OOM_KILLS, [("", kills)]))
        if self._with_topology:
            comma = "," if self._machine else ""
            told += [
                (family, [(self._machine + comma + labels, value) for labels, value in samples])
                for family, samples in topology.sections(self._sys, cpus)
            ]
        return told


def _machine(proc: str, sys: str, rootfs: str) -> str:
    """cAdvisor's labels of the machine, those that can be read."""
    root = rootfs.rstrip("/")
    places = {
        "machine_id": (f"{root}/etc/machine-id", f"{root}/var/lib/dbus/machine-id"),
        "system_uuid": (f"{sys}/class/dmi/id/product_uuid", f"{proc}/device-tree/vm,uuid"),
        "boot_id": (f"{proc}/sys/kernel/random/boot_id",),
    }
    found = {name: _first(paths) for name, paths in places.items()}
    return ",".join(f'{name}="{value}"' for name, value in found.items() if value)


def _first(paths: tuple[str, ...]) -> str:
    for path in paths:
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                text = file.read(128).strip("\0\n ")
        except OSError:
            continue
        if _IDENTIFIER.fullmatch(text):
            return text
    return ""


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
