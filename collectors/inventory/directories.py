"""Tells what changes in a set of directories, for sources that know containers from files."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple

from runtime.linux.inotify import IN_IGNORED, IN_Q_OVERFLOW, Inotify

# A write that was closed; a file that is kept open for writing, such as a log, does not tell of each line.
IN_CLOSE_WRITE = 0x8
NAMES_LIMIT = 100_000


class Change(NamedTuple):
    """A name in a watched directory that something happened to."""

    directory: str
    name: str


class Changes(NamedTuple):
    """What changed since the last look, in the order of its first change; `lost` when there was more."""

    seen: tuple[Change, ...]
    lost: bool


class DirectoryWatch:
    """Watches directories by inotify while it is entered.

    `at_once` is called for each change in the moment it is told. `degraded` says why some directories cannot
    be watched; whoever uses it looks again by the clock anyway.
    """

    def __init__(
        self, at_once: Callable[[Change], None] = lambda change: None, *, names_limit: int = NAMES_LIMIT
    ) -> None:
        self.degraded = ""
        self._at_once = at_once
        self._names_limit = names_limit
        self._inotify: Inotify | None = None
        self._numbers: dict[str, int] = {}
        self._directories: dict[int, str] = {}
        self._seen: dict[Change, None] = {}
        self._lost = False
        self._something = asyncio.Event()

    def __enter__(self) -> DirectoryWatch:
        self.degraded = ""
        try:
            self._inotify = Inotify()
        except OSError as error:
            self.degraded = f"cannot watch directories: {error.strerror}; raise fs.inotify.max_user_instances"
        else:
            asyncio.get_running_loop().add_reader(self._inotify.descriptor, self._ready)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._inotify is not None:
            asyncio.get_running_loop().remove_reader(self._inotify.descriptor)
            self._inotify.close()
            self._inotify = None
        self._numbers.clear()
        self._directories.clear()

    def add(self, directory: str, mask: int) -> bool:
        """Watch a directory; whether it is watched now. One that is not there may be added again later."""
        if self._inotify is None or directory in self._numbers:
            return directory in self._numbers
        try:
            number = self._inotify.watch(directory, mask)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                self.degraded = f"cannot watch {directory}: {error.strerror}"
            return False
        self._numbers[directory] = number
        self._directories[number] = directory
        return True

    def discard(self, directory: str) -> None:
        """Watch a directory no longer."""
        number = self._numbers.pop(directory, None)
        if number is not None and self._inotify is not None:
            del self._directories[number]
            self._inotify.unwatch(number)

    def try_again(self) -> None:
        """What could not be watched is about to be added again: forget that it could not, if there is hope."""
        if self._inotify is not None:
            self.degraded = ""

    def wake(self) -> None:
        """Let whoever waits look again."""
        self._something.set()

    async def changes(self, limit: float) -> Changes:
        """What changed, as soon as something did; nothing after `limit` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._something.wait()
        self._something.clear()
        changes = Changes(tuple(self._seen), self._lost)
        self._seen, self._lost = {}, False
        return changes

    def _ready(self) -> None:
        assert self._inotify is not None
        for number, mask, name in self._inotify.events():
            if mask & IN_Q_OVERFLOW:
                self._lost = True
            elif mask & IN_IGNORED:
                if (directory := self._directories.pop(number, None)) is not None:
                    self._numbers.pop(directory, None)
                continue
            elif (directory := self._directories.get(number)) is not None:
                change = Change(directory, name)
                self._at_once(change)
                self._note(change)
            self._something.set()

    def _note(self, change: Change) -> None:
        if len(self._seen) < self._names_limit:
            self._seen[change] = None
        else:
            self._lost = True
