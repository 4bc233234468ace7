"""Which logs to look at again: hastened by inotify, with polling as the truth."""

from __future__ import annotations

import errno
import os
from collections import defaultdict
from collections.abc import Iterator

from collectors.logs.directories import Directories
from runtime.linux.errors import KernelError

_NOT_THERE = (errno.ENOENT, errno.ENOTDIR)


class Watcher:
    """Maps what happens in directories to the containers whose log lies there.

    `complete` is False while a directory cannot be watched, or no inotify instance was to be had: then
    only polling sees what happens to those in `unseen`, and must be done often. `refusal` says why; a
    directory that is just not there is no refusal.
    """

    def __init__(self) -> None:
        self.refusal = ""
        self._ids: defaultdict[str, set[str]] = defaultdict(set)
        self._path_of: dict[str, str] = {}
        self._unwatched: set[str] = set()
        try:
            self._inotify: Directories | None = Directories()
        except KernelError as error:
            self._inotify, self.refusal = None, str(error)

    @property
    def fd(self) -> int | None:
        """Readable when something happened; None without inotify."""
        return self._inotify.fd if self._inotify else None

    @property
    def complete(self) -> bool:
        """Whether everything that happens is seen."""
        return self._inotify is not None and not self._unwatched

    def unseen(self) -> set[str]:
        """Ids of containers in whose logs things happen unseen."""
        if self._inotify is None:
            return set(self._path_of)
        if not self._unwatched:
            return set()
        return {id for id, path in self._path_of.items() if os.path.dirname(path) in self._unwatched}

    def add(self, id: str, path: str) -> None:
        """Follow the log of a container; a changed path replaces the old one."""
        path = os.path.realpath(path)
        if self._path_of.get(id) == path:
            return
        self.remove(id)
        self._path_of[id] = path
        self._ids[path].add(id)
        self._watch(os.path.dirname(path))

    def remove(self, id: str) -> None:
        """Follow it no longer."""
        path = self._path_of.pop(id, None)
        if path is None:
            return
        self._ids[path].discard(id)
        if not self._ids[path]:
            del self._ids[path]
        directory = os.path.dirname(path)
        if not any(os.path.dirname(other) == directory for other in self._ids):
            self._unwatched.discard(directory)
            if self._inotify:
                self._inotify.unwatch(directory)

    def retry(self) -> None:
        """Try again to watch what could not be watched."""
        for directory in list(self._unwatched):
            self._watch(directory)

    def happened(self) -> Iterator[str | None]:
        """Ids of containers in whose logs something happened; None for all of them."""
        for path in self._inotify.read() if self._inotify else ():
            if path is None:
                yield None
            else:
                yield from self._ids.get(path, ())

    def close(self) -> None:
        """Let go of all watches."""
        if self._inotify:
            self._inotify.close()
            self._inotify = None

    def _watch(self, directory: str) -> None:
        if self._inotify is None:
            return
        try:
            self._inotify.watch(directory)
            self._unwatched.discard(directory)
        except KernelError as error:
            self._unwatched.add(directory)
            if error.errno not in _NOT_THERE:
                self.refusal = str(error)
