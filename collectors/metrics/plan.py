"""What a collector of container metrics is: which files it reads, and how it fills a row from them.

A collector is a module with one function `probe(host)`, which returns its plans or raises NotSupported with the reason
when the host does not offer what it reads. What may wait for a disk or a peer is a survey instead: see
`collectors.metrics.survey`. `collectors.metrics.support` lists them.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from collectors.metrics.catalogue import INDEX, SWITCHES, Family
from collectors.metrics.filesystem.options import DEFAULT, DiskOptions
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies, Hierarchy

# Stands for a controller when a file lies in the /proc directory of the container's first process.
PROC = "proc"


class File(NamedTuple):
    """One file of a cgroup. `controller` names its hierarchy as Hierarchies does, or is PROC.

    `keep` ranks it for being kept open: the highest first, 0 never. What is saved is an open and a close,
    nearly the same for each, so ranks bring files of one directory together: then the directory itself
    need not be kept. What each pass reads of each container comes before what is `STILL`.
    """

    controller: str
    name: str
    keep: int = 0


Parse = Callable[[Sequence[bytes], list[Value]], None]


class Pace(enum.Enum):
    """How often files are read.

    `STILL` ones cannot change unless something else about the container does: they are read when any other
    file changed since the last pass, in a final reading, and once a minute. `RARE` ones are read once a
    minute and whenever the inventory reports a change.
    """

    ALWAYS = enum.auto()
    STILL = enum.auto()
    RARE = enum.auto()


@dataclass(frozen=True, slots=True)
class Plan:
    """Files to read of each container, in order, and the function that turns them into values.

    `parse(contents, values)` gets b"" for a file that the cgroup does not have, and leaves the values it
    cannot tell at None. It fills `families`, which stand side by side in a row, and nothing else. With
    `needs` the files are read only of containers that have a value of that family, one of the RARE ones.
    """

    files: tuple[File, ...]
    families: tuple[Family, ...]
    parse: Parse
    pace: Pace = Pace.ALWAYS
    needs: Family | None = None

    @property
    def span(self) -> slice:
        """Where the plan's values stand in a row."""
        first = INDEX[self.families[0]]
        return slice(first, first + len(self.families))


Pids = Callable[[], Sequence[int]]
Count = Callable[[str, Pids, list[Value]], None]


def _nothing(*_: object) -> None:
    """For a census that remembers nothing and holds nothing open."""


@dataclass(frozen=True, slots=True)
class Census:
    """Values that are added up over a container's processes, in each pass; not for the root cgroup.

    `count(id, pids, values)` fills `families`, and nothing else. `pids()` lists the processes, once it is
    asked; one that has ended meanwhile is left out, and in a final reading there may be none. `forget(id)`
    follows when the container is no longer read.
    """

    families: tuple[Family, ...]
    count: Count
    forget: Callable[[str], None] = _nothing
    close: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class Host:
    """What collectors may ask of the host while they are probed; `switches` are those that stand in the configuration."""

    hierarchies: Hierarchies
    proc: str = "/proc"
    sys: str = "/sys"
    switches: Mapping[str, bool] = field(default_factory=dict)
    disk: DiskOptions = DEFAULT

    def switched_on(self, collector: str) -> bool:
        """Whether a collector is on: as configured, else as by default."""
        return self.switches.get(collector, SWITCHES[collector])

    def hierarchy(self, *controllers: str) -> Hierarchy:
        """The hierarchy that carries the first of these controllers that is there; else NotSupported."""
        for controller in controllers:
            if (found := self.hierarchies.of(controller)) is not None:
                return found
        names = " or ".join(controllers)
        raise NotSupported(f"no cgroup hierarchy with the controller {names} is mounted")


Probe = Callable[[Host], tuple[Plan | Census, ...]]
