"""Cgroups kept ready for reading: a few files open, the rest one openat away."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from collectors.cgroups.reader import ABSENT, Descriptors, Source
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies, Hierarchy

_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_CLOEXEC

# A kept file costs about 4.4 KiB of kernel memory, most of it the page it was last written into, and
# saves four fifths of reading it; a kept directory costs 0.2 KiB.
_KEPT_FILES = 10


class Wanted(NamedTuple):
    """A file to be read of each cgroup: its controller, its name, its rank for being kept open."""

    controller: str
    name: str
    keep: int


class Tree:
    """The mounted hierarchies, and which files of each cgroup are read.

    `plans` are groups of files that are read together; each Cgroup offers its sources in the same groups.
    Holds one directory descriptor per hierarchy until `close`.
    """

    def __init__(
        self, hierarchies: Hierarchies, plans: Sequence[Sequence[Wanted]], descriptors: Descriptors
    ) -> None:
        self.hierarchies = hierarchies
        self.descriptors = descriptors
        self.plans = tuple(tuple(plan) for plan in plans)
        self._roots: dict[Hierarchy, int] = {}
        wanted = sorted(
            (file for plan in self.plans for file in plan if file.keep), key=lambda file: -file.keep
        )
        self.kept = frozenset(wanted[:_KEPT_FILES])
        by_controller: dict[str, list[Wanted]] = {}
        for plan in self.plans:
            for file in plan:
                by_controller.setdefault(file.controller, []).append(file)
        self.files: Mapping[str, tuple[Wanted, ...]] = {
            name: tuple(dict.fromkeys(files)) for name, files in by_controller.items()
        }
        # Descriptors of one cgroup: its kept files, and a directory for each controller with others.
        self.full = len(self.kept) + sum(
            any(file not in self.kept for file in files) for files in self.files.values()
        )

    def could_keep(self) -> bool:
        """Whether the budget has room for one more cgroup."""
        return self.descriptors.kept + self.full <= self.descriptors.budget

    def locate(self, controller: str, path: str) -> tuple[int, bytes] | None:
        """A cgroup as (descriptor of a mounted root, path below it); None when it is not mounted."""
        hierarchy = self.hierarchies.of(controller)
        if hierarchy is None:
            return None
        try:
            below = hierarchy.directory(path)[len(hierarchy.mountpoint) :].lstrip("/") or "."
        except NotSupported:
            return None
        if hierarchy not in self._roots:
            self._roots[hierarchy] = os.open(hierarchy.mountpoint or "/", _DIRECTORY)
        return self._roots[hierarchy], os.fsencode(below)

    def sources(self, files: Sequence[Wanted], paths: Mapping[str, str]) -> list[Source]:
        """Where files are that are not kept, whether they exist or not."""
        places: dict[str, tuple[int, bytes] | None] = {}
        found = []
        for controller, name, _ in files:
            if controller not in places:
                known = controller in paths
                places[controller] = self.locate(controller, paths[controller]) if known else None
            place = places[controller]
            found.append(ABSENT if place is None else (-1, place[0], place[1] + b"/" + os.fsencode(name)))
        return found

    def close(self) -> None:
        """Let go of the hierarchies."""
        while self._roots:
            os.close(self._roots.popitem()[1])


class Cgroup:
    """The files of one cgroup, ready to be read.

    `paths` tells the cgroup's path per controller; a controller without one has no number for it.
    `sources` stand in the groups of the tree's plans; `controllers` are those whose directory is there. `whole` is False while files are
    missing, which may come yet; `kept` is False when the budget left no descriptors. `close` it once the
    cgroup is removed, for open files keep its memory alive.
    """

    __slots__ = ("_descriptors", "_open", "controllers", "kept", "sources", "whole")

    def __init__(self, tree: Tree, paths: Mapping[str, str]) -> None:
        self._descriptors = tree.descriptors
        self._open: list[int] = []
        keep = tree.descriptors.take(tree.full)
        found: dict[Wanted, Source] = {}
        there: set[str] = set()
        try:
            for controller, files in tree.files.items():
                if controller in paths and (place := tree.locate(controller, paths[controller])) is not None:
                    sources = self._sources(*place, files, tree.kept if keep else frozenset(), keep)
                    if sources:
                        there.add(controller)
                        found.update(sources)
        finally:
            if keep:
                tree.descriptors.give_back(tree.full - len(self._open))
        self.controllers = frozenset(there)
        self.sources = tuple(tuple(found.get(file, ABSENT) for file in plan) for plan in tree.plans)
        self.kept = keep
        self.whole = all(source is not ABSENT for plan in self.sources for source in plan)

    def _sources(
        self, root: int, below: bytes, files: Sequence[Wanted], kept: frozenset[Wanted], keep: bool
    ) -> dict[Wanted, Source]:
        """Sources in one directory; what cannot be opened for want of rights is left to fail when read."""
        found: dict[Wanted, Source] = {}
        try:
            directory = os.open(below, _DIRECTORY, dir_fd=root)
        except (FileNotFoundError, NotADirectoryError):
            return found
        for file in files:
            name = os.fsencode(file.name)
            if file in kept and (descriptor := _open(name, directory)) >= 0:
                self._open.append(descriptor)
                found[file] = (descriptor, -1, name)
            elif _exists(name, directory):
                found[file] = (-1, directory, name) if keep else (-1, root, below + b"/" + name)
        if any(source[1] == directory for source in found.values()):
            self._open.append(directory)
        else:
            os.close(directory)
        return found

    def close(self) -> None:
        """Close what is kept open."""
        self._descriptors.give_back(len(self._open))
        while self._open:
            os.close(self._open.pop())
        self.sources = tuple((ABSENT,) * len(plan) for plan in self.sources)


def _exists(name: bytes, directory: int) -> bool:
    try:
        os.stat(name, dir_fd=directory)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _open(name: bytes, directory: int) -> int:
    try:
        return os.open(name, _READ, dir_fd=directory)
    except OSError:
        return -1
