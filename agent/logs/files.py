"""Plain log files that the configuration names: each file that a path or a glob matches is a log of its own.

They are looked for every ten seconds, and when something appears or goes in a directory that holds one.
"""

from __future__ import annotations

import asyncio
import contextlib
import glob
import os
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import structlog

from agent.config.logsettings import LogFile
from agent.exposition.render import labels_text
from agent.logs.rules import Rules
from agent.shipping.lane import Busy, Lane
from collectors.logs.record import LogTarget
from collectors.logs.siblings import rotated_from
from collectors.model import Container, LogSource, identity
from runtime.linux.inotify import (
    IN_CREATE,
    IN_DELETE,
    IN_IGNORED,
    IN_MOVED_FROM,
    IN_MOVED_TO,
    Inotify,
)

log = structlog.get_logger()

TOO_MANY = "log_files_too_many"
STUCK = "log_files_not_found_in_time"

ENGINE = "file"
EVERY = 10.0
KEEP = 60.0
"""Seconds for which a file that is not there counts all the same: it may be on its way from one name to the next."""
MOST = 1000
_GATHER = 0.2
_PATIENCE = 10.0
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".tmp")
_MASK = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE


class Match(NamedTuple):
    """A file, and what of the configuration it matched."""

    path: str
    named: LogFile

    @property
    def container(self) -> Container:
        """The file as the rules and records see it."""
        stem = os.path.basename(self.path)
        name = self.named.name or os.path.splitext(stem)[0] or stem
        return Container(id=f"{ENGINE}:{self.path}", name=name, engine=ENGINE, labels=self.named.labels)


class LogFiles:
    """The files there are. `changed` is called when there are others than before."""

    def __init__(
        self,
        files: Sequence[LogFile],
        changed: Callable[[], None],
        *,
        every: float = EVERY,
        keep: float = KEEP,
        most: int = MOST,
    ) -> None:
        self._files = files
        self._changed = changed
        self._every = every
        self._keep = keep
        self._most = most
        self._matches: dict[str, Match] = {}
        self._seen: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._lane = Lane("log-files")
        self._troubled: set[str] = set()

    def configure(self, files: Sequence[LogFile]) -> None:
        """Look for these from now on."""
        if files != self._files:
            self._files = files
            self._seen.clear()
            self._wake.set()

    def targets(self, node: str, rules: Rules) -> list[LogTarget]:
        """What is to be read of them."""
        return [_target(match, node, rules) for match in self._matches.values()]

    def labels(self, id: str) -> str | None:
        """The labels of a file's metrics; None when it is none of these."""
        match = self._matches.get(id.removeprefix(f"{ENGINE}:"))
        if match is None:
            return None
        container = match.container
        return labels_text([("id", container.id), ("name", container.name), ("image", "")])

    async def run(self) -> None:
        """Look for files until cancelled."""
        watch = _Watch(self._wake)
        try:
            while True:
                self._wake.clear()
                if self._files or self._matches:
                    await self._look(watch)
                try:
                    await asyncio.wait_for(self._wake.wait(), self._every)
                    await asyncio.sleep(_GATHER)
                except TimeoutError:
                    continue
        finally:
            watch.close()
            self._lane.close()

    async def _look(self, watch: _Watch) -> None:
        files = self._files
        try:
            found = await asyncio.wait_for(self._lane.call(lambda: _found(files, watch)), _PATIENCE)
        except (TimeoutError, Busy):
            self._trouble(STUCK, f"{', '.join(one.path for one in files)}: the file system does not answer")
            return
        if files is not self._files:
            return
        if len(found) > self._most:
            self._trouble(TOO_MANY, f"{len(found)} files match; {self._most} are read, narrow logs.files")
        now = time.monotonic()
        self._seen.update(dict.fromkeys((match.path for match in found), now))
        self._seen = {path: at for path, at in self._seen.items() if now - at < self._keep}
        known = {path: match for path, match in self._matches.items() if path in self._seen}
        matches = _current({**known, **{match.path: match for match in found}}, self._most)
        if matches != self._matches:
            self._matches = matches
            self._changed()

    def _trouble(self, event: str, text: str) -> None:
        if event not in self._troubled:
            self._troubled.add(event)
            log.warning(event, error=text)


class _Watch:
    """Wakes whoever looks for files when something appears or goes in the directories of those that were found."""

    def __init__(self, wake: asyncio.Event) -> None:
        self._wake = wake
        self._watched: dict[int, str] = {}
        try:
            self._inotify: Inotify | None = Inotify()
        except OSError:  # then only looking finds files
            self._inotify = None
            return
        asyncio.get_running_loop().add_reader(self._inotify.descriptor, self._happened)

    def add(self, directory: str) -> None:
        """Watch a directory too; what cannot be watched is looked at in time."""
        watched = self._watched.values()
        if self._inotify is None or directory in watched or len(watched) >= MOST:
            return
        with contextlib.suppress(OSError):
            self._watched[self._inotify.watch(directory, _MASK)] = directory

    def close(self) -> None:
        """Watch no longer."""
        if self._inotify is not None:
            asyncio.get_running_loop().remove_reader(self._inotify.descriptor)
            self._inotify.close()
            self._inotify = None

    def _happened(self) -> None:
        for watch, mask, _ in self._inotify.events() if self._inotify is not None else ():
            if mask & IN_IGNORED:
                self._watched.pop(watch, None)
            self._wake.set()


def _target(match: Match, node: str, rules: Rules) -> LogTarget:
    container = match.container
    rule = rules.rule(container, {})
    return LogTarget(
        id=container.id,
        source=LogSource(path=match.path, format="plain"),
        container={**identity(container), "node": node, "labels": container.labels},
        rule=rule,
        sinks=rules.sinks(container, rule),
    )


def _found(files: Iterable[LogFile], watch: _Watch) -> list[Match]:
    """The files there are, whose directories are watched from now on. May wait for a file system."""
    for directory in {_fixed(named.path) for named in files}:
        watch.add(directory)
    found = _matches(files)
    for directory in {os.path.dirname(match.path) for match in found}:
        watch.add(directory)
    return found


def _matches(files: Iterable[LogFile]) -> list[Match]:
    """The files there are, each as the first of the configuration that it matches."""
    found: dict[str, Match] = {}
    for named in files:
        for path in sorted(glob.iglob(named.path, recursive=True)):
            if path not in found and _is_log(path):
                found[path] = Match(path, named)
    return list(found.values())


def _is_log(path: str) -> bool:
    """Whether it is a file that is read as text. A link counts when root made it, or the file's own owner: another
    could have the agent read what only it may."""
    if path.endswith(_PACKED):
        return False
    try:
        link, file = os.lstat(path), os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(file.st_mode) and link.st_uid in (0, file.st_uid)


def _current(matches: dict[str, Match], most: int) -> dict[str, Match]:
    """Without the rotated parts of others, which are read as such, and no more than may be."""
    current = [match for path, match in matches.items() if rotated_from(path) not in matches]
    return {match.path: match for match in current[:most]}


def _fixed(pattern: str) -> str:
    """The directory that all matches of a pattern lie in."""
    while glob.has_magic(pattern):
        pattern = os.path.dirname(pattern)
    return pattern if os.path.isdir(pattern) else os.path.dirname(pattern)
