"""Follows a process of each cgroup that has no init of its own, from the moment there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from agent.lifecycle.exits import ExitWatch

# An empty new cgroup is asked for its first process this often: engines fill it within a few milliseconds.
_ASK_AGAIN = (0.001, 0.002, 0.004, 0.008, 0.016, 0.03, 0.06, 0.12, 0.25, 0.5)


class Inhabitants:
    """Has `exits` watch one process of each cgroup; `processes(id)` tells which are in it now."""

    def __init__(self, exits: ExitWatch, processes: Callable[[str], Sequence[int]]) -> None:
        self._exits = exits
        self._processes = processes
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def follow(self, id: str) -> None:
        """Watch a process of a cgroup; while it is empty look again for about a second."""
        self._cancel(id)
        self._follow(id, 0)

    def pick(self, id: str) -> bool:
        """Watch a process that is in the cgroup now; False when there is none."""
        return any(self._exits.watch(id, pid) for pid in self._processes(id))

    def forget(self, id: str) -> None:
        """Watch and look no longer."""
        self._cancel(id)
        self._exits.forget(id)

    def close(self) -> None:
        """Look for nobody any more; what is watched is closed with `exits`."""
        for id in list(self._timers):
            self._cancel(id)

    def _follow(self, id: str, attempt: int) -> None:
        self._timers.pop(id, None)
        # Empty: either not filled yet, or emptied already and about to go.
        if not self.pick(id) and attempt < len(_ASK_AGAIN):
            self._timers[id] = asyncio.get_running_loop().call_later(
                _ASK_AGAIN[attempt], self._follow, id, attempt + 1
            )

    def _cancel(self, id: str) -> None:
        timer = self._timers.pop(id, None)
        if timer is not None:
            timer.cancel()
