"""Processes that the kernel's log says were killed, until an OOM event of their container tells of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from collectors.kernellog.oomkills import OomKill

_MOST = 1024


class Victims:
    """Kills that nobody has told of yet, the newest so many.

    `catch_up` takes in what the kernel's log has by now: the counter of a cgroup rises before the line is
    written, so who saw the counter asks here a moment later.
    """

    def __init__(self, catch_up: Callable[[], object] = lambda: None, *, most: int = _MOST) -> None:
        self._catch_up = catch_up
        self._kills: deque[OomKill] = deque(maxlen=most)

    def add(self, kill: OomKill) -> None:
        """The log told of a kill."""
        self._kills.append(kill)

    def claim(self, id: str, count: int, since: float) -> list[OomKill]:
        """The newest so many kills in a container's cgroup or below it, oldest first; older ones are dropped.

        `since` is when its run began: an earlier run may have had the same path.
        """
        self._catch_up()
        mine = [kill for kill in self._kills if within(kill.cgroup, id)]
        for kill in mine:
            self._kills.remove(kill)
        found = [kill for kill in mine if kill.time >= since]
        return found[-count:] if count else []


def within(cgroup: str, id: str) -> bool:
    """Whether a cgroup is the container's own or one below it."""
    return cgroup == id or cgroup.startswith(id + "/")
