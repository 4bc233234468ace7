"""CPUs and memory nodes the container may use."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX
from collectors.metrics.plan import File, Host, Pace, Plan
from collectors.metrics.rows import Value

_MIGRATE = INDEX[catalogue.MEMORY_MIGRATE]
_CPUS = INDEX[catalogue.CPUSET_CPUS]
_NODES = INDEX[catalogue.CPUSET_MEMORY_NODES]


def probe(host: Host) -> tuple[Plan, ...]:
    """The cpuset controller, v1 or v2; what it allows changes only when somebody asks for it."""
    if host.hierarchy("cpuset").version == 2:
        names = ["cpuset.cpus.effective", "cpuset.mems.effective"]
    else:
        names = ["cpuset.effective_cpus", "cpuset.effective_mems", "cpuset.memory_migrate"]
    return (Plan(tuple(File("cpuset", name) for name in names), catalogue.CPUSET, _parse, Pace.RARE),)


def members(content: bytes) -> list[int]:
    """The numbers in a list such as `0-3,8`, as the kernel writes sets of CPUs and of memory nodes.

    Source: cpuset(7), List format.
    """
    found: list[int] = []
    for part in content.split(b","):
        first, _, last = part.strip().partition(b"-")
        if first:
            found += range(int(first), int(last or first) + 1)
    return found


def _parse(contents: Sequence[bytes], values: list[Value]) -> None:
    cpus, nodes, *migrate = contents
    # A v1 cpuset that nobody has given CPUs yet is empty; no process can be in it.
    if cpus:
        values[_CPUS] = len(members(cpus))
    if nodes:
        values[_NODES] = len(members(nodes))
    if migrate and migrate[0]:
        values[_MIGRATE] = int(migrate[0])
