"""Plain cgroups that no engine claims, chosen by glob."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Iterable, Sequence

from collectors.inventory.base import Board
from collectors.model import Container, Entry, Network, State
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import SYSTEMD, UNIFIED, Hierarchies

ENGINE = "cgroup"

_SLICE = 0.004


class CgroupSource:
    """Shows the cgroups whose path matches one of the globs, also while they are empty.

    It stands last among the sources, so that a path which an engine claims is the engine's. The cgroup
    watch feeds it: `reset` after each walk, then `created` and `removed`.
    """

    name = ENGINE

    def __init__(self, globs: Sequence[str], hierarchies: Hierarchies) -> None:
        self._selects = re.compile("|".join(translated(glob) for glob in globs) or r"(?!)").fullmatch
        self._hierarchies = hierarchies
        self._paths: set[str] = set()
        self._board: Board | None = None

    async def run(self, board: Board) -> None:
        """Give the paths known so far, then let the watch's calls through until cancelled."""
        # In slices: a host may have thousands. What comes and goes meanwhile is told with the whole list.
        slice_end = time.perf_counter() + _SLICE
        seen: dict[str, Entry] = {}
        for path in sorted(self._paths):
            if path in self._paths:
                seen[path] = self._entry(path)
                board.put(ENGINE, seen[path])
            if time.perf_counter() > slice_end:
                await asyncio.sleep(0)
                slice_end = time.perf_counter() + _SLICE
        self._board = board
        board.replace(ENGINE, [seen.get(path) or self._entry(path) for path in sorted(self._paths)])
        try:
            await asyncio.Event().wait()
        finally:
            self._board = None

    def reset(self, paths: Iterable[str]) -> None:
        """All cgroups there are, after a walk."""
        self._paths = {path for path in paths if self._selects(path)}
        if self._board is not None:
            self._tell(self._board)

    def created(self, path: str) -> None:
        """A cgroup appeared."""
        if self._selects(path):
            self._paths.add(path)
            if self._board is not None:
                self._board.put(ENGINE, self._entry(path))

    def removed(self, path: str) -> None:
        """A cgroup went."""
        if path in self._paths:
            self._paths.remove(path)
            if self._board is not None:
                self._board.drop(ENGINE, path)

    def _tell(self, board: Board) -> None:
        board.replace(ENGINE, [self._entry(path) for path in sorted(self._paths)])

    def _entry(self, path: str) -> Entry:
        container = Container(
            id=path,
            name=path.rpartition("/")[2],
            engine=ENGINE,
            state=State.RUNNING,
            started_at=self._created_at(path),
        )
        return Entry(container=container, network=Network.NONE)

    def _created_at(self, path: str) -> float | None:
        """When the directory was made; the first hierarchy that has the path tells."""
        for hierarchy in (SYSTEMD, UNIFIED, "memory", "cpu"):
            try:
                return os.stat(self._hierarchies.directory(hierarchy, path)).st_ctime
            except (OSError, NotSupported):
                continue
        return None


def translated(glob: str) -> str:
    """A glob as a regular expression: `*` and `?` stay within one component of the path, `**` crosses them."""
    parts = re.split(r"(\*\*|\*|\?)", glob)
    return "".join({"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part)) for part in parts)
