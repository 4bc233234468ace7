"""When cgroups were made, as they were first seen.

The change time of a cgroup's directory is when it was made, until somebody sets its owner, mode or an extended
attribute, as managers do: from then on it moves with each cgroup that is made or removed in it.
"""

from __future__ import annotations

from collectors.inventory.paths import created_at
from runtime.linux.hierarchies import Hierarchies


class Beginnings:
    """Remembers of each cgroup what was first read, until it is told that the cgroup is gone."""

    def __init__(self, hierarchies: Hierarchies) -> None:
        self._hierarchies = hierarchies
        self._known: dict[str, float] = {}

    def of(self, path: str) -> float | None:
        """When a cgroup was made, in seconds since the epoch; None when it is gone and was never seen."""
        if path not in self._known and (made := created_at(self._hierarchies, path)) is not None:
            self._known[path] = made
        return self._known.get(path)

    def forget(self, path: str) -> None:
        """A cgroup is gone; another may take its path."""
        self._known.pop(path, None)
