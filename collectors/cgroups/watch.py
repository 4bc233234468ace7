"""Which cgroups there are, and the moment one comes or goes."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable

import structlog

from runtime.linux.hierarchies import SYSTEMD, UNIFIED, Hierarchies, Hierarchy
from runtime.linux.inotify import (
    IN_CREATE,
    IN_DELETE,
    IN_IGNORED,
    IN_ISDIR,
    IN_MOVED_FROM,
    IN_MOVED_TO,
    IN_Q_OVERFLOW,
    Inotify,
)

log = structlog.get_logger()

WATCH_DEGRADED = "cgroup_watch_degraded"
WATCH_RECOVERED = "cgroup_watch_recovered"

_MASK = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO
_SLICE = 0.004


class CgroupWatch:
    """Follows the hierarchies that ids are taken from, with one inotify instance.

    `on_created(path)` and `on_removed(path)` tell of each cgroup as its id, once, however many hierarchies
    it is made in; also of one that is gone again before it could be looked at. `on_rescan(reason)` comes
    after each whole walk: `start` (whose findings are in `paths()` alone), `overflow`, `moved`, `degraded`.
    While the kernel refuses watches it walks every `interval` seconds instead.
    """

    def __init__(
        self,
        hierarchies: Hierarchies,
        on_created: Callable[[str], None],
        on_removed: Callable[[str], None],
        on_rescan: Callable[[str], None],
        *,
        interval: float = 60.0,
    ) -> None:
        self._on_created = on_created
        self._on_removed = on_removed
        self._on_rescan = on_rescan
        self._interval = interval
        found = (hierarchies.of(name) for name in (SYSTEMD, UNIFIED, "memory"))
        self._trees: list[Hierarchy] = list(dict.fromkeys(tree for tree in found if tree is not None))
        # In which of the trees each cgroup is, one bit each.
        self._present: dict[str, int] = {}
        self._watches: dict[int, tuple[int, str]] = {}
        self._watched: dict[tuple[int, str], int] = {}
        self._inotify: Inotify | None = None
        self._wanted = asyncio.Event()
        self._reason = ""
        self.degraded = ""
        self.counts: Counter[str] = Counter()

    def paths(self) -> set[str]:
        """All cgroups there are, the root left out."""
        return set(self._present)

    @property
    def watches(self) -> int:
        """Directories being watched."""
        return len(self._watches)

    @property
    def depth(self) -> int:
        """Levels below the root of the deepest cgroup."""
        return max((path.count("/") for path in self._present), default=0)

    async def run(self) -> None:
        """Follow until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            self._inotify = Inotify()
        except OSError as error:
            self._degrade(error)
        else:
            loop.add_reader(self._inotify.descriptor, self._ready)
        try:
            await self._walk("start")
            while True:
                await self._walk(await self._next_reason())
        finally:
            if self._inotify is not None:
                loop.remove_reader(self._inotify.descriptor)
                self._inotify.close()
                self._inotify = None

    async def _next_reason(self) -> str:
        try:
            async with asyncio.timeout(self._interval if self.degraded else None):
                await self._wanted.wait()
        except TimeoutError:
            return "degraded"
        self._wanted.clear()
        return self._reason

    def _want(self, reason: str) -> None:
        self._reason = reason
        self._wanted.set()

    def _ready(self) -> None:
        assert self._inotify is not None
        for number, mask, name in self._inotify.events():
            if mask & IN_Q_OVERFLOW:
                self.counts["overflow"] += 1
                self._want("overflow")
            elif mask & IN_IGNORED:
                self._retire(number)
            elif mask & IN_ISDIR and (parent := self._watches.get(number)) is not None:
                self._changed(parent[0], f"{parent[1]}/{name}", mask)

    def _changed(self, tree: int, path: str, mask: int) -> None:
        if mask & IN_CREATE:
            self._enter(tree, path)
        elif mask & IN_DELETE:
            # cgroupfs does not end the watch of a directory that is removed, and its inode stays as long.
            self._unwatch(tree, path)
            self._left(tree, path)
        else:
            # A rename moves a whole subtree, and the watches in it would tell old paths.
            self._forget_below(tree, path)
            self._want("moved")

    def _enter(self, tree: int, path: str) -> None:
        """A cgroup appeared; whatever was made in it before it could be watched is found by listing it."""
        waiting = [path]
        while waiting:
            here = waiting.pop()
            self._appeared(tree, here, report=True)
            self._watch(tree, here)
            waiting += self._children(tree, here) or ()

    def _appeared(self, tree: int, path: str, *, report: bool) -> None:
        before = self._present.get(path, 0)
        self._present[path] = before | 1 << tree
        if not before and report:
            self.counts["created"] += 1
            self._on_created(path)

    def _left(self, tree: int, path: str) -> None:
        before = self._present.get(path, 0)
        after = before & ~(1 << tree)
        if after:
            self._present[path] = after
        elif before:
            del self._present[path]
            self.counts["removed"] += 1
            self._on_removed(path)

    def _directory(self, tree: int, path: str) -> str:
        hierarchy = self._trees[tree]
        return hierarchy.mountpoint + path[len(hierarchy.root.rstrip("/")) :]

    def _watch(self, tree: int, path: str) -> None:
        if self._inotify is None:
            return
        try:
            number = self._inotify.watch(self._directory(tree, path), _MASK)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                self._degrade(error)
            return
        # The number is the inode's, so a path made anew at once may hide behind one that is being retired.
        if self._watched.get((tree, path)) != number:
            self._unwatch(tree, path)
            self._retire(number)
            self._watches[number] = (tree, path)
            self._watched[tree, path] = number

    def _unwatch(self, tree: int, path: str) -> None:
        number = self._watched.get((tree, path))
        if number is not None and self._inotify is not None:
            self._retire(number)
            self._inotify.unwatch(number)

    def _retire(self, number: int) -> None:
        """Forget a watch that has ended, or that tells of another directory from now on."""
        place = self._watches.pop(number, None)
        if place is not None and self._watched.get(place) == number:
            del self._watched[place]

    def _children(self, tree: int, path: str) -> list[str] | None:
        """Cgroups in a cgroup; None when it is gone."""
        directory = self._directory(tree, path)
        try:
            # Two links: no directory below, and the dozens of files need not be listed.
            if os.stat(directory).st_nlink == 2:
                return []
            with os.scandir(directory) as entries:
                return [f"{path}/{entry.name}" for entry in entries if entry.is_dir(follow_symlinks=False)]
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._degrade(error)
            return []

    def _degrade(self, error: OSError) -> None:
        self.counts["failed"] += 1
        if not self.degraded:
            self.degraded = _explain(error)
            log.warning(WATCH_DEGRADED, reason=self.degraded, interval=self._interval)
            # Whoever waits without a limit is to wait with one from now on.
            self._want("degraded")

    def _forget_below(self, tree: int, path: str) -> None:
        for place in list(self._watched):
            if place[0] == tree and (place[1] + "/").startswith(path + "/"):
                self._unwatch(*place)

    async def _walk(self, reason: str) -> None:
        """Look at every directory, in slices, and report what the events did not tell."""
        failed = self.counts["failed"]
        found: set[tuple[int, str]] = set()
        async for tree, path in self._directories():
            if path != self._trees[tree].root.rstrip("/"):
                found.add((tree, path))
                self._appeared(tree, path, report=reason != "start")
        for tree in range(len(self._trees)):
            for path in [path for path, bits in self._present.items() if bits >> tree & 1]:
                if (tree, path) not in found and not os.path.isdir(self._directory(tree, path)):
                    self._unwatch(tree, path)
                    self._left(tree, path)
        self.counts[f"rescan_{reason}"] += 1
        if self.degraded and self._inotify is not None and self.counts["failed"] == failed:
            log.info(WATCH_RECOVERED)
            self.degraded = ""
        self._on_rescan(reason)

    async def _directories(self) -> AsyncIterator[tuple[int, str]]:
        """Each directory of each tree, watched before its children are listed."""
        slice_end = time.perf_counter() + _SLICE
        for tree, hierarchy in enumerate(self._trees):
            waiting = [hierarchy.root.rstrip("/")]
            while waiting:
                path = waiting.pop()
                self._watch(tree, path)
                children = self._children(tree, path)
                if children is None:
                    continue
                # No turn of the loop in between: what is told to be there has not been told gone.
                yield tree, path
                waiting += children
                if time.perf_counter() > slice_end:
                    await asyncio.sleep(0)
                    slice_end = time.perf_counter() + _SLICE


def _explain(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "the limit fs.inotify.max_user_watches is reached; raise it with sysctl"
    if error.errno == errno.EMFILE:
        return "the limit fs.inotify.max_user_instances or of open files is reached; raise it"
    return f"cannot watch {error.filename}: {error.strerror}"
