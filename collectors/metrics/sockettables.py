"""Tables of sockets, such as net/tcp: each network namespace's is gone through for the container that owns it.

The kernel looks through the places for sockets of all namespaces to tell those of one, however few they are
(6 ms for TCP's 262,144 places). So it is done in a survey's thread, not while nothing has changed, and the
thread rests nine times as long as it worked: the more namespaces are busy, the older are the figures. A
table is read piece by piece and never held whole.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Protocol

from collectors.cgroups.reader import GONE
from collectors.metrics.catalogue import Family
from collectors.metrics.complaints import Complaints
from collectors.metrics.crew import Crew
from collectors.metrics.rows import Number, Value
from collectors.metrics.survey import Subject
from collectors.metrics.target import ROOT
from collectors.metrics.traffic import Namespaces
from collectors.model import Network
from runtime.linux.process import start_time

# A round each so many seconds.
PERIOD = 10.0
# Longer tables are not counted: about 200,000 sockets.
_LONGEST = 32 << 20
# After so many bytes the thread rests, for so many times as long as it worked, at most so many seconds.
_PIECE = 1 << 18
_REST_FACTOR = 9
_LONGEST_REST = 5.0
_SIZE = 1 << 16


class Fold(Protocol):
    """Adds up what a table says; it is given whole lines, the heading among them."""

    def take(self, lines: bytes) -> None:
        """Add these lines."""

    def result(self) -> Iterable[tuple[str, Number]]:
        """Label text and number of each series."""

    def settled(self) -> bool:
        """Whether the figures stay as they are while the signs of the namespace do."""


# What stays the same in the namespace of a process while its sockets do.
Signs = Callable[[int], Hashable]


class TooLong(Exception):
    """A table has more sockets than are counted."""


class SocketTables:
    """The look (see `collectors.metrics.surveyor`) at one table per family.

    `files` names them below /proc/PID, in the order of `families`; one that is not there, such as IPv6's, has
    no series. Tables are not read again while the namespace's `signs` stand and all were settled.
    """

    def __init__(
        self,
        proc: str,
        files: Sequence[str],
        families: tuple[Family, ...],
        fold: type[Fold],
        crew: Crew,
        signs: Signs | None = None,
        longest: int = _LONGEST,
    ) -> None:
        self.families = families
        self._proc = proc
        self._files = files
        self._fold = fold
        self._crew = crew
        self._signs = signs
        self._longest = longest
        self._complaints = Complaints()
        self._pids: dict[str, int] = {}
        self._settled: dict[str, tuple[Hashable, list[Value]]] = {}

    def begin(self, subjects: Sequence[Subject]) -> None:
        """Find out who owns which namespace."""
        namespaces = Namespaces()
        host = self._namespace_of(1)
        claims: list[tuple[int, Subject]] = []
        for subject in subjects:
            namespace = self._claimed_by(subject)
            if namespace not in (0, host):
                namespaces.claim(namespace, subject.id, subject.pid_start)
                claims.append((namespace, subject))
        self._pids = {one.id: one.pid for namespace, one in claims if namespaces.owned_by(namespace, one.id)}
        self._pids[ROOT] = 1
        self._complaints.keep(self._pids)
        self._settled = {id: known for id, known in self._settled.items() if id in self._pids}

    def look(self, subject: Subject) -> Sequence[Value] | None:
        """One value per table."""
        pid = self._pids.get(subject.id)
        if pid is None:
            return None
        signs = (pid, self._signs(pid)) if self._signs is not None else None
        known = self._settled.get(subject.id)
        if known is not None and known[0] == signs:
            return known[1]
        self._complaints.say(subject.id, "")
        folds = [self._folded(subject.id, f"{self._proc}/{pid}/{file}") for file in self._files]
        values: list[Value] = [None if fold is None else tuple(fold.result()) for fold in folds]
        if signs is not None and all(fold is None or fold.settled() for fold in folds):
            self._settled[subject.id] = (signs, values)
        else:
            self._settled.pop(subject.id, None)
        return values

    def trouble(self) -> str:
        """Which tables are too long to be counted."""
        return self._complaints.text()

    def _claimed_by(self, subject: Subject) -> int:
        """The namespace that a container may own, told as Traffic tells it; 0 for none."""
        if subject.network is not Network.OWNER or not subject.pid:
            return 0
        if subject.pid_start and start_time(subject.pid, self._proc) != subject.pid_start:
            return 0
        return self._namespace_of(subject.pid)

    def _namespace_of(self, pid: int) -> int:
        try:
            return os.stat(f"{self._proc}/{pid}/net/dev").st_ino
        except OSError:
            return 0

    def _folded(self, id: str, path: str) -> Fold | None:
        """What a table says; None for one that is not there or too long."""
        fold = self._fold()
        try:
            for lines in self._lines(path):
                fold.take(lines)
        except TooLong:
            self._complaints.say(
                id, f"{path} is longer than {self._longest >> 20} MiB, so its sockets are not counted"
            )
            return None
        except OSError as error:
            if error.errno not in GONE:
                raise
            return None
        return fold

    def _lines(self, path: str) -> Iterator[bytes]:
        """The file in pieces of whole lines; raises TooLong."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            length, pending = 0, b""
            while piece := self._piece(descriptor):
                length += len(piece)
                if length > self._longest:
                    raise TooLong
                lines, newline, pending = (pending + piece).rpartition(b"\n")
                yield lines + newline
            yield pending
        finally:
            os.close(descriptor)

    def _piece(self, descriptor: int) -> bytes:
        """The next part of a file, which the kernel gives a page at a time; then the thread rests."""
        parts: list[bytes] = []
        length = 0
        started = time.thread_time()
        while length < _PIECE and (part := os.read(descriptor, _SIZE)):
            parts.append(part)
            length += len(part)
        self._crew.rest(min(_LONGEST_REST, _REST_FACTOR * (time.thread_time() - started)))
        return b"".join(parts)
