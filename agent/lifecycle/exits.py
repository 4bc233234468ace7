"""Follows the init process of every container by a pidfd, so that its end is known at once.

An engine removes a container's cgroup 9 to 22 ms after its init exits, and tells of it later still: the
final reading has to start from the kernel's word, not from the engine's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from runtime.linux.process import open_pidfd


class ExitWatch:
    """pidfds of running inits on the event loop, one per container id.

    `on_exit(id, pid, pidfd)` is called in the loop when the process has ended; the pidfd is still open
    during the call (the kernel keeps the exit status behind it) and closed afterwards.
    """

    def __init__(self, on_exit: Callable[[str, int, int], None]) -> None:
        self._on_exit = on_exit
        self._watched: dict[str, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._watched)

    def pid(self, id: str) -> int:
        """The pid that is followed for an id; 0 when none is."""
        return self._watched.get(id, (0, -1))[0]

    def watch(self, id: str, pid: int, start: int = 0) -> bool:
        """Follow a process; False when it has ended already (or another process has its pid now)."""
        if self.pid(id) == pid:
            return True
        self.forget(id)
        pidfd = open_pidfd(pid, start)
        if pidfd is None:
            return False
        self._watched[id] = (pid, pidfd)
        asyncio.get_running_loop().add_reader(pidfd, self._ended, id, pid, pidfd)
        return True

    def forget(self, id: str) -> None:
        """Follow an id no longer."""
        watched = self._watched.pop(id, None)
        if watched is not None:
            asyncio.get_running_loop().remove_reader(watched[1])
            os.close(watched[1])

    def close(self) -> None:
        """Follow nothing any more."""
        for id in list(self._watched):
            self.forget(id)

    def _ended(self, id: str, pid: int, pidfd: int) -> None:
        if self._watched.get(id) != (pid, pidfd):
            return
        del self._watched[id]
        asyncio.get_running_loop().remove_reader(pidfd)
        try:
            self._on_exit(id, pid, pidfd)
        finally:
            os.close(pidfd)
