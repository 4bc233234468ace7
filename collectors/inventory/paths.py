"""Sources that know containers by their cgroup's path alone; the cgroup watch feeds them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable

from collectors.inventory.base import Board
from collectors.model import Entry
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import SYSTEMD, UNIFIED, Hierarchies

Classify = Callable[[str], Entry | None]

_SLICE = 0.004


class PathSource:
    """Shows the cgroups for which `classify` gives an entry, also while they are empty.

    `reset` comes after each walk over all cgroups, then `created` and `removed`; `look_again` when what
    `classify` goes by has changed.
    """

    def __init__(self, name: str, classify: Classify) -> None:
        self._name = name
        self._classify = classify
        self._paths: set[str] = set()
        self._board: Board | None = None

    @property
    def name(self) -> str:
        """See `Source.name`."""
        return self._name

    async def run(self, board: Board) -> None:
        """Give the paths known so far, then let the watch's calls through until cancelled."""
        # In slices: a host may have thousands. What comes and goes meanwhile is told with the whole list.
        slice_end = time.perf_counter() + _SLICE
        seen: dict[str, Entry] = {}
        for path in sorted(self._paths):
            if path in self._paths and (entry := self._classify(path)) is not None:
                seen[path] = entry
                board.put(self._name, entry)
            if time.perf_counter() > slice_end:
                await asyncio.sleep(0)
                slice_end = time.perf_counter() + _SLICE
        self._board = board
        self._tell(board, seen)
        try:
            await asyncio.Event().wait()
        finally:
            self._board = None

    def reset(self, paths: Iterable[str]) -> None:
        """All cgroups there are, after a walk."""
        self._paths = set(paths)
        self.look_again()

    def created(self, path: str) -> None:
        """A cgroup appeared."""
        self._paths.add(path)
        if self._board is not None and (entry := self._classify(path)) is not None:
            self._board.put(self._name, entry)

    def removed(self, path: str) -> None:
        """A cgroup went."""
        self._paths.discard(path)
        if self._board is not None:
            self._board.drop(self._name, path)

    def look_again(self) -> None:
        """Classify all paths anew."""
        if self._board is not None:
            self._tell(self._board, {})

    def _tell(self, board: Board, known: dict[str, Entry]) -> None:
        entries = (known.get(path) or self._classify(path) for path in sorted(self._paths))
        board.replace(self._name, [entry for entry in entries if entry is not None])


def created_at(hierarchies: Hierarchies, path: str) -> float | None:
    """When a cgroup's directory was made; the first hierarchy that has the path tells."""
    for hierarchy in (SYSTEMD, UNIFIED, "memory", "cpu"):
        try:
            return os.stat(hierarchies.directory(hierarchy, path)).st_ctime
        except (OSError, NotSupported):
            continue
    return None
