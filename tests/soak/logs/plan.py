"""Which containers a soak has, and how each one's log is written."""

from __future__ import annotations

from typing import NamedTuple

from tests.soak.logs import rotation
from tests.soak.logs.rotation import Records, Rotate


class Kind(NamedTuple):
    """A way of writing: how many containers are written so, by which engine they are told of, how many older files
    are kept."""

    count: int
    engine: str
    records: Records
    rotate: Rotate
    keep: int


KINDS = {
    "kubelet": Kind(16, "crio", rotation.cri, rotation.by_kubelet, 60),
    "conmon": Kind(10, "crio", rotation.conmon, rotation.destroyed, 0),
    "one": Kind(7, "docker", rotation.docker, rotation.unlinked, 0),
    "three": Kind(6, "docker", rotation.docker, rotation.by_docker, 2),
    "copied": Kind(6, "docker", rotation.docker, rotation.copied, 9),
}
WORKLOADS = 5
LOUD = "soak-kubelet-0"
LOUDER = 20


class Written(NamedTuple):
    """One container that is written by the soak itself."""

    name: str
    kind: str
    number: int

    @property
    def engine(self) -> str:
        """Who tells of it."""
        return KINDS[self.kind].engine

    def rate(self, per_second: float) -> float:
        """How many lines it prints in a second, when all print some `per_second`: no two of a kind alike, so that
        they do not all rotate at the same time."""
        share = self.number / KINDS[self.kind].count
        return per_second * (LOUDER if self.name == LOUD else 0.7 + 0.6 * share)


def written() -> list[Written]:
    """All of them."""
    return [
        Written(f"soak-{name}-{number}", name, number)
        for name, kind in KINDS.items()
        for number in range(kind.count)
    ]


def workloads() -> list[str]:
    """The agent's own workloads, by the name of their only replica's container without its number."""
    return [f"soak-work{number}" for number in range(WORKLOADS)]
