"""How the host's processors and memory are laid out, from sysfs.

Source: Documentation/admin-guide/cputopology.rst, Documentation/ABI/testing/sysfs-devices-system-cpu and
Documentation/ABI/stable/sysfs-devices-node.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from collectors.metrics import catalogue
from collectors.metrics.catalogue import Family
from collectors.metrics.rows import Number

Samples = list[tuple[str, Number]]

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_SIZE = re.compile(r"(\d+)([KMG]?)")


class Cpu(NamedTuple):
    """One online logical CPU; `siblings` are the CPUs of its core, itself among them."""

    number: int
    node: int
    package: int
    core: int
    siblings: tuple[int, ...]


def cpus(sys: str = "/sys") -> list[Cpu]:
    """The CPUs that are online, rising; empty where sysfs does not tell."""
    base = f"{sys}/devices/system/cpu"
    nodes = {cpu: node for node in _nodes(sys) for cpu in numbers(_text(f"{_node(sys, node)}/cpulist"))}
    found = []
    for number in numbers(online(sys)):
        at = f"{base}/cpu{number}/topology"
        package, core = _number(f"{at}/physical_package_id"), _number(f"{at}/core_id")
        if package is None or core is None:
            continue
        siblings = numbers(_text(f"{at}/thread_siblings_list"))
        found.append(Cpu(number, nodes.get(number, 0), package, core, siblings or (number,)))
    return found


def online(sys: str = "/sys") -> str:
    """Which CPUs are online, as the kernel writes it: while that stays, so does the layout."""
    return _text(f"{sys}/devices/system/cpu/online")


def sections(sys: str, found: Sequence[Cpu]) -> Iterator[tuple[Family, Samples]]:
    """Caches, threads and NUMA nodes, with the labels that are cAdvisor's own."""
    told: dict[Family, Samples] = {
        catalogue.MACHINE_CACHE: list(_caches(sys, found)),
        catalogue.MACHINE_THREAD_SIBLINGS: [
            (f'node_id="{cpu.node}",core_id="{cpu.core}",thread_id="{cpu.number}"', len(cpu.siblings))
            for cpu in found
        ],
        catalogue.MACHINE_NODE_MEMORY: [
            (f'node_id="{node}"', size)
            for node in _nodes(sys)
            if (size := _node_memory(sys, node)) is not None
        ],
        catalogue.MACHINE_NODE_HUGEPAGES: list(_hugepages(sys)),
        catalogue.MACHINE_NODE_DISTANCE: [
            (f'node_id="{node}",target_node_id="{target}"', int(distance))
            for node in _nodes(sys)
            for target, distance in zip(
                _nodes(sys), _text(f"{_node(sys, node)}/distance").split(), strict=False
            )
        ],
    }
    yield from ((family, samples) for family, samples in told.items() if samples)


def numbers(text: str) -> tuple[int, ...]:
    """The numbers of a list as the kernel writes it, `0-3,8`; empty for anything else."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.isdigit() and (not last or last.isdigit()):
            found += range(int(first), int(last or first) + 1)
    return tuple(found)


def _caches(sys: str, found: Sequence[Cpu]) -> Iterator[tuple[str, Number]]:
    seen: set[tuple[str, str, tuple[int, ...]]] = set()
    for cpu in found:
        base = f"{sys}/devices/system/cpu/cpu{cpu.number}/cache"
        for index in _listed(base, r"index\d+"):
            level, kind = _text(f"{base}/{index}/level"), _text(f"{base}/{index}/type")
            cache = (level, kind, numbers(_text(f"{base}/{index}/shared_cpu_list")))
            size = _SIZE.fullmatch(_text(f"{base}/{index}/size"))
            if cache in seen or size is None or not kind.isalpha():
                continue
            seen.add(cache)
            labels = f'node_id="{cpu.node}",core_id="{cpu.core}",type="{kind}",level="{level}"'
            yield labels, int(size[1]) * _UNITS.get(size[2], 1)


def _hugepages(sys: str) -> Iterator[tuple[str, Number]]:
    for node in _nodes(sys):
        base = f"{_node(sys, node)}/hugepages"
        for name in _listed(base, r"hugepages-\d+kB"):
            count = _number(f"{base}/{name}/nr_hugepages")
            if count is not None:
                size = name.removeprefix("hugepages-").removesuffix("kB")
                yield f'node_id="{node}",page_size="{size}"', count


def _node_memory(sys: str, node: int) -> int | None:
    found = re.search(r"MemTotal:\s+(\d+) kB", _text(f"{_node(sys, node)}/meminfo"))
    return int(found[1]) * 1024 if found else None


def _nodes(sys: str) -> tuple[int, ...]:
    return numbers(_text(f"{sys}/devices/system/node/online"))


def _node(sys: str, node: int) -> str:
    return f"{sys}/devices/system/node/node{node}"


def _listed(directory: str, pattern: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(directory) if re.fullmatch(pattern, name))
    except OSError:
        return []


def _number(path: str) -> int | None:
    text = _text(path)
    return int(text) if text.removeprefix("-").isdigit() else None


def _text(path: str) -> str:
    """What a file says, without the newline; empty when it cannot be read."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(65536).strip()
    except OSError:
        return ""
