"""One container as the sampler holds it: what it is called, where its numbers lie, what rarely changes."""

from __future__ import annotations

from collections.abc import Iterable

from collectors.cgroups.tree import Cgroup
from collectors.metrics.rows import Value
from collectors.model import Network
from runtime.linux.hierarchies import Hierarchies
from runtime.linux.process import start_time

ROOT = "/"

# Contents as they were last read, and the values they gave.
Seen = tuple[list[bytes], list[Value]]


class Target:
    """A container that is read. `labels` is None while only its path is known.

    `cgroup` is None until it is first read and after it has gone; `template` holds the values that
    rarely change and is what each row starts from; `due` is when those are read again, `wait` how long they
    are good for. `seen` and `traffic` hold what each plan's files last said, for an idle container says it again.
    """

    __slots__ = (
        "cgroup",
        "created_at",
        "due",
        "gone",
        "id",
        "labels",
        "namespace",
        "network",
        "paths",
        "pid",
        "pid_start",
        "seen",
        "started_at",
        "template",
        "traffic",
        "wait",
    )

    def __init__(self, id: str) -> None:
        self.id = id
        self.labels: str | None = None
        self.pid = 0
        self.pid_start = 0
        self.created_at: float | None = None
        self.started_at: float | None = None
        self.network = Network.NONE
        self.namespace = 0
        self.paths: dict[str, str] = {}
        self.cgroup: Cgroup | None = None
        self.gone = False
        self.template: list[Value] = []
        self.due = 0.0
        self.wait = 0.0
        self.seen: list[Seen | None] = []
        self.traffic: list[Seen | None] = []

    def close(self) -> None:
        """Let go of the cgroup, so that the kernel can free it."""
        if self.cgroup is not None:
            self.cgroup.close()
            self.cgroup = None


def process_of(target: Target, proc: str = "/proc") -> int:
    """The container's first process while it runs; 0 when it has ended, whoever has its pid now."""
    if target.pid_start and start_time(target.pid, proc) != target.pid_start:
        return 0
    return target.pid


def paths_of(id: str, pid: int, controllers: Iterable[str], hierarchies: Hierarchies) -> dict[str, str]:
    """A container's cgroup path per controller; a controller that does not tell it apart is left out.

    Usually the id is the path everywhere. Where the first process sits in an ancestor of the id, the
    controller counts for more than this container; where it sits below, it has cgroups of its own.
    """
    placed = hierarchies.paths_of_pid(pid) if pid and id != ROOT else {}
    found: dict[str, str] = {}
    for controller in controllers:
        hierarchy = hierarchies.of(controller)
        key = "unified" if hierarchy is not None and hierarchy.version == 2 else controller
        path = placed.get(key, id)
        if path == ROOT != id or id.startswith(path + "/"):
            continue
        found[controller] = id if path.startswith(id.rstrip("/") + "/") else path
    return found
