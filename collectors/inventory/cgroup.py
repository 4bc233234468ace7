"""Plain cgroups that no engine claims, chosen by glob."""

from __future__ import annotations

import re
from collections.abc import Sequence

from collectors.inventory.beginnings import Beginnings
from collectors.inventory.paths import PathSource
from collectors.model import Container, Entry, Network, Role, State
from runtime.linux.hierarchies import Hierarchies

ENGINE = "cgroup"


class CgroupSource(PathSource):
    """Shows the cgroups whose path matches one of the globs.

    It stands last among the sources, so that a path which an engine claims is the engine's.
    """

    def __init__(self, globs: Sequence[str], hierarchies: Hierarchies) -> None:
        super().__init__(ENGINE, self._entry)
        self._selects = re.compile("|".join(translated(glob) for glob in globs) or r"(?!)").fullmatch
        self._beginnings = Beginnings(hierarchies)

    def _entry(self, path: str) -> Entry | None:
        if not self._selects(path):
            return None
        container = Container(
            id=path,
            name=path.rpartition("/")[2],
            engine=ENGINE,
            role=Role.CGROUP,
            state=State.RUNNING,
            started_at=self._beginnings.of(path),
        )
        return Entry(container=container, network=Network.NONE)

    def removed(self, path: str) -> None:
        """See `PathSource.removed`."""
        self._beginnings.forget(path)
        super().removed(path)


def translated(glob: str) -> str:
    """A glob as a regular expression: `*` and `?` stay within one component of the path, `**` crosses them."""
    parts = re.split(r"(\*\*|\*|\?)", glob)
    return "".join({"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part)) for part in parts)
