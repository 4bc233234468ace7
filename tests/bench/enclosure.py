"""A cgroup of a measurement's own, so that the kernel itself says how much memory a process tree has."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

from runtime.linux.hierarchies import Hierarchies


class Enclosure:
    """A memory cgroup; whoever is started by `before` is in it with all it starts."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    @property
    def before(self) -> Sequence[str]:
        """A command that goes into the cgroup and becomes the one behind it."""
        return ("/bin/sh", "-c", 'echo $$ >"$0"; exec "$@"', f"{self._directory}/cgroup.procs")

    def megabytes(self) -> float:
        """What is charged to it now, kernel memory too, without page cache."""
        statistics = dict(line.split() for line in self._lines("memory.stat"))
        if os.path.exists(f"{self._directory}/memory.current"):
            used, cache = int(self._lines("memory.current")[0]), int(statistics["file"])
        else:
            used, cache = int(self._lines("memory.usage_in_bytes")[0]), int(statistics["total_cache"])
        return (used - cache) / 2**20

    def _lines(self, name: str) -> list[str]:
        with open(f"{self._directory}/{name}") as file:
            return file.read().splitlines()


@contextlib.contextmanager
def enclosure(trees: Hierarchies, path: str) -> Iterator[Enclosure]:
    """One at a path of the hierarchy that counts memory, gone afterwards with its processes."""
    directory = trees.directory("memory", path)
    os.mkdir(directory)
    try:
        yield Enclosure(directory)
    finally:
        os.rmdir(directory)
