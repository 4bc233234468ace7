"""Copies of rotated log files that a sink has not got yet, within a budget of disk space.

A copy has the original's offsets, so that places and uids stay what they were: it holds the file's head, then a
hole, then the bytes that somebody still needs. It counts as one of the log's files once the original is gone.
Where files were gone before anybody read or copied them a mark stands among the copies, so that each sink counts it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from collectors.logs import archive
from collectors.logs.chain import chain_of
from collectors.logs.entry import MAX_ENTRY
from collectors.logs.files import HEAD, MARKER, Place, digest, holds
from collectors.logs.record import LogTarget
from collectors.logs.siblings import Sibling

_KEPT_HEAD = 4096
_STEP = 8 << 20
_TARGET = "target.json"
_GAP = "gap"
_REFUSED = "refused.json"


class Full(Exception):
    """A copy that the budget, or the disk, has no room for."""


class Spool:
    """The copies of one agent under `directory`, at most `most` bytes of disk. `used` are the bytes it takes;
    `refused` counts, by container, lines and bytes for which there was no room."""

    def __init__(self, directory: str, most: int) -> None:
        self._directory = directory
        self._most = most
        self._kept: dict[str, list[str]] = {}
        self._sizes: dict[str, int] = {}
        os.makedirs(directory, mode=0o700, exist_ok=True)
        self.used = 0
        self.refused: dict[str, tuple[int, int]] = _refused(os.path.join(directory, _REFUSED))
        for name in os.listdir(directory):
            if name != _REFUSED:
                self._load(os.path.join(directory, name))

    def targets(self) -> list[LogTarget]:
        """The containers of which something is kept."""
        found: list[LogTarget] = []
        for place in self._kept:
            with (
                contextlib.suppress(OSError, msgspec.DecodeError),
                open(os.path.join(place, _TARGET), "rb") as file,
            ):
                found.append(msgspec.json.decode(file.read(), type=LogTarget))
        return found

    def holds(self, id: str) -> bool:
        """Whether something of this container is kept."""
        return self._place(id) in self._kept

    def chain(self, id: str, path: str, *, whole: bool = False) -> list[Sibling]:
        """The files of a log as `chain_of` lists them, with the copies of those that are gone where they stood;
        with `whole` only the copies that have all of their file."""
        plain = chain_of(path)
        names = self._kept.get(self._place(id))
        if not names:
            return plain
        heads = {_head_of(sibling) for sibling in plain}
        found: list[Sibling] = []
        gap = False
        for copy in map(_Copy.of, names):
            sibling = Sibling(copy.path, os.stat(copy.path).st_ino, False, True, gap)
            if copy.name == _GAP:
                gap = True
            elif (not whole or copy.start == 0) and _head_of(sibling) not in heads:
                found.append(sibling)
                gap = False
        return found + [one._replace(gap=gap and not index) for index, one in enumerate(plain)]

    def note_gap(self, target: LogTarget) -> None:
        """Note that files behind all that is kept were gone before anybody read them; raises OSError."""
        place = self._place(target.id)
        copies = [_Copy.of(path) for path in self._kept.get(place, ())]
        if copies and copies[-1].name == _GAP:
            return
        self._describe(target, place)
        number = copies[-1].number + 1 if copies else 1
        _written(os.path.join(place, _Copy("", number, _GAP, 0, 0).named(0)), b"")
        self._load(place)

    def keep(self, target: LogTarget, fd: int, since: int, until: int) -> None:
        """Have the bytes [since, until) of an open file, or more of them than before; raises Full."""
        place = self._place(target.id)
        since = max(0, since - MARKER)  # what a place is told by stands before it
        head = os.pread(fd, min(_KEPT_HEAD, until), 0)
        if _is_open(head):
            longer = os.pread(fd, min(MAX_ENTRY, until), 0)
            head = longer[: _telling(longer)]
        copy = self._copy_of(place, head)
        parts = copy.missing(since, until)
        size = sum(high - low for low, high in parts)
        if self.used + size > self._most:
            raise Full(f"the spool is full at {self._most} bytes; raise logs.spool.max_bytes")
        try:
            if size:
                self._write(target, place, copy, fd, head, parts)
        except OSError as error:
            self._load(place)
            raise Full(f"cannot write {copy.path}: {error.strerror}; free space there") from error
        self._load(place)

    def refuse(self, id: str, lines: int, size: int) -> None:
        """Remember lines and bytes for which there was no room: they are lost if their file goes before they are read."""
        known = self.refused.get(id, (0, 0))
        self.refused[id] = (known[0] + lines, known[1] + size)
        with contextlib.suppress(OSError):
            _written(os.path.join(self._directory, _REFUSED), msgspec.json.encode(self.refused))

    def release(self, id: str, path: str, places: Sequence[Place | None]) -> None:
        """Remove the copies that all of these places (one for each sink) are behind; None is before everything."""
        place = self._place(id)
        if place not in self._kept:
            return
        order = self._order(self._kept[place], chain_of(path))
        first = min((_index(order, one) for one in places), default=len(order))
        for kept in order[:first]:
            if kept.copy:
                os.unlink(kept.copy)
        self._load(place)

    def forget(self, id: str) -> None:
        """Remove all of one container."""
        place = self._place(id)
        shutil.rmtree(place, ignore_errors=True)
        self._load(place)
        self.refused.pop(id, None)

    @staticmethod
    def _order(copies: Sequence[str], plain: Sequence[Sibling]) -> list[_File]:
        """The files of a log, oldest first, each with its copy: those that are gone stood before all others."""
        heads = {
            copy: b"" if _Copy.of(copy).name == _GAP else _head_of(Sibling(copy, 0, False)) for copy in copies
        }
        copy_of = {head: copy for copy, head in heads.items() if head}
        still = [
            _File(head, one.inode, copy_of.pop(head, ""), "" if one.gz else one.path)
            for one in plain
            for head in [_head_of(one)]
        ]
        gone = [_File(head, 0, copy, copy) for copy, head in heads.items() if not head or head in copy_of]
        return gone + still

    def _write(
        self,
        target: LogTarget,
        place: str,
        copy: _Copy,
        fd: int,
        head: bytes,
        parts: Sequence[tuple[int, int]],
    ) -> None:
        self._describe(target, place)
        writing = os.open(copy.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(writing, head, 0)
            for low, high in parts:
                _copied(fd, writing, low, high)
            os.fsync(writing)
        finally:
            os.close(writing)
        os.rename(copy.path, os.path.join(place, copy.named(min(copy.start, parts[0][0]))))

    def _describe(self, target: LogTarget, place: str) -> None:
        """Make a container's directory, which tells whose it is."""
        os.makedirs(place, mode=0o700, exist_ok=True)
        about = os.path.join(place, _TARGET)
        if not os.path.exists(about):
            _written(about, msgspec.json.encode(target))

    def _copy_of(self, place: str, head: bytes) -> _Copy:
        """The copy of a file, told by what the file begins with; a new one is numbered behind all others."""
        copies = [_Copy.of(path) for path in self._kept.get(place, ())]
        name = digest(head[: _telling(head)]).hex()
        for copy in copies:
            if copy.name == name:
                return copy
        number = max((copy.number for copy in copies), default=0) + 1
        return _Copy(os.path.join(place, f".{number}"), number, name, 1 << 62, 0)

    def _place(self, id: str) -> str:
        return os.path.join(self._directory, blake2b(id.encode(), digest_size=12).hexdigest())

    def _load(self, place: str) -> None:
        """Look again at what is kept of one container; an empty directory goes."""
        self.used -= sum(self._sizes.pop(path, 0) for path in self._kept.pop(place, ()))
        try:
            names = sorted(os.path.join(place, name) for name in os.listdir(place) if _is_copy(name))
        except (FileNotFoundError, NotADirectoryError):
            return
        if not names:
            shutil.rmtree(place, ignore_errors=True)
            return
        self._kept[place] = names
        for path in names:
            self._sizes[path] = os.stat(path).st_blocks * 512
            self.used += self._sizes[path]


class _Copy(NamedTuple):
    """A copy: its number in the order of files, what tells its file, and the bytes [start, end) that it has."""

    path: str
    number: int
    name: str
    start: int
    end: int

    @staticmethod
    def of(path: str) -> _Copy:
        number, name, start = os.path.basename(path).split("-")
        return _Copy(path, int(number), name, int(start), os.stat(path).st_size)

    def missing(self, since: int, until: int) -> list[tuple[int, int]]:
        """The parts of [since, until) that are not there yet."""
        if not self.end:
            return [(since, until)] if since < until else []
        parts = [(since, min(self.start, until)), (self.end, until)]
        return [(low, high) for low, high in parts if low < high]

    def named(self, start: int) -> str:
        """The file's name when it has bytes from `start` on."""
        return f"{self.number:012d}-{self.name}-{start}"


class _File(NamedTuple):
    """A file of a log: its first bytes, its inode (0 when it is gone), the path of its copy if there is one, and the
    path of what may be looked into."""

    head: bytes
    inode: int
    copy: str
    path: str

    def has(self, place: Place) -> bool:
        """Whether a place is in it, as far as that can be told."""
        if not place.head_size:
            return self.inode == place.inode
        if digest(self.head[: place.head_size]) != place.head:
            return False
        try:
            with open(self.path, "rb") as file:
                return holds(file.fileno(), place)
        except OSError:  # an archive, or moved meanwhile
            return True


def _is_copy(name: str) -> bool:
    """Whether a file of a container's directory is a copy or a mark, and no unfinished work of a killed process."""
    return name != _TARGET and name[0] != "." and not name.endswith(".tmp")


def _refused(path: str) -> dict[str, tuple[int, int]]:
    with contextlib.suppress(OSError, msgspec.DecodeError), open(path, "rb") as file:
        return msgspec.json.decode(file.read(), type=dict[str, tuple[int, int]])
    return {}


def _index(order: Sequence[_File], place: Place | None) -> int:
    """The number of the first file that a reader at this place still needs; 0 when nobody knows."""
    if place is None:
        return 0
    for index, file in enumerate(order):
        if file.has(place):
            return index
    return 0


def _head_of(sibling: Sibling) -> bytes:
    """What a file begins with, unpacked."""
    head = b""
    for size in (HEAD, MAX_ENTRY):
        if sibling.gz:
            head = archive.head_of(sibling.path, size)
        else:
            with contextlib.suppress(OSError), open(sibling.path, "rb") as file:
                head = file.read(size)
        if not _is_open(head):
            break
    return head[: _telling(head)]


def _is_open(head: bytes) -> bool:
    """Whether these first bytes may not tell a file from others: Docker's JSON has the time behind the text."""
    return head[:1] == b"{" and b"\n" not in head


def _telling(head: bytes) -> int:
    """How many of the first bytes tell a file from others."""
    return len(head) if _is_open(head) else max(HEAD, head.find(b"\n") + 1 if head[:1] == b"{" else 0)


def _copied(source: int, target: int, low: int, high: int) -> None:
    """Copy the bytes [low, high) to the same place, in the kernel where it can."""
    while low < high:
        done = 0
        with contextlib.suppress(OSError):
            done = os.copy_file_range(source, target, min(_STEP, high - low), low, low)
        if not done:
            done = os.pwrite(target, os.pread(source, min(1 << 20, high - low), low), low)
        if not done:
            return
        low += done


def _written(path: str, data: bytes) -> None:
    with open(f"{path}.tmp", "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.tmp", path)
