"""One file of a log as a query reads it: opened late, unpacked when it is an archive, and paid for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property

from collectors.logs import archive
from collectors.logs.chain import begins_at, chain_of, opened
from collectors.logs.files import key_of
from collectors.logs.formats import Format
from collectors.logs.lines import Batch, LineReader
from collectors.logs.plainfiles import born, untimed
from collectors.logs.record import LogTarget
from collectors.logs.seek import offset_at
from collectors.logs.siblings import Sibling
from collectors.logs.times import SECOND
from runtime.linux.errors import DeckwatchError

SLACK = SECOND
SLACK_BYTES = 256 * 1024
"""Lines of two streams may stand out of order by so much time, but not by more than so many bytes."""


class TooManyBytes(DeckwatchError):
    """A query that would read more than it may."""


class Budget:
    """Bytes that one query may read. `spent` is what it read."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.spent = 0

    def spend(self, size: int) -> None:
        """Pay before reading; raises TooManyBytes."""
        self.spent += size
        if self.spent > self.most:
            raise TooManyBytes(
                f"the query would read more than {self.most} bytes; narrow its time or containers, or raise query.max_bytes"
            )


class Segment:
    """A file of the chain. `size` is fixed when it is opened, so that a growing file has an end."""

    def __init__(
        self, sibling: Sibling, target: LogTarget, format: Format, scratch: str, budget: Budget
    ) -> None:
        self.sibling = sibling
        self._path = target.source.path
        self._target = target.id
        self._format = format
        self._scratch = scratch
        self._budget = budget
        self._fd: int | None = None
        self.size = 0
        self.key = b""

    def open(self) -> bool:
        """Whether the file is there; once open it stays so until `close`."""
        if self._fd is not None:
            return True
        fd = self._found()
        if fd is None:
            return False
        self._fd = fd
        self.size = os.fstat(fd).st_size
        if self.sibling.gz:
            self._budget.spend(self.size)
        self.key = key_of(fd, self._target, self._format.framing, born(fd, self._format))
        return True

    @cached_property
    def begins(self) -> int | None:
        """The time of its first record in ns; None when it has none. The file need not be open."""
        return begins_at(self.sibling, self._format)

    @cached_property
    def _noted(self) -> int | None:
        return archive.last_time(self.sibling.path) if self.sibling.gz else None

    def _found(self) -> int | None:
        """The open file, also when it was renamed or compressed since the chain was looked at."""
        limit = self._budget.most - self._budget.spent
        fd = opened(self.sibling, self._scratch, limit)
        if fd is not None:
            return fd
        for sibling in chain_of(self._path):
            same = sibling.inode == self.sibling.inode or sibling.path == f"{self.sibling.path}.gz"
            if same and (fd := opened(sibling, self._scratch, limit)) is not None:
                self.sibling = sibling
                return fd
        return None

    @property
    def modified(self) -> int:
        """When it was last written, in ns; an archive's writer may have set a later time, unless it notes the true
        one. 0 when it is gone."""
        if self._noted is not None:
            return self._noted
        try:
            return os.stat(self.sibling.path).st_mtime_ns
        except FileNotFoundError:
            return 0

    def start_at(self, time: int) -> int:
        """Where to begin for all lines at or behind a time in ns, of which some stand a little before their turn."""
        assert self._fd is not None
        if untimed(self._fd, self._format):
            return 0
        exact = offset_at(self._fd, self.size, time, self._format)
        early = offset_at(self._fd, exact, time - SLACK, self._format)
        return max(early, self.line_start(exact - SLACK_BYTES))

    def end_at(self, time: int) -> int:
        """Where to end for all lines up to a time in ns, of which some stand a little behind their turn."""
        assert self._fd is not None
        if untimed(self._fd, self._format):
            return self.size
        exact = offset_at(self._fd, self.size, time + 1, self._format)
        late = offset_at(self._fd, self.size, time + SLACK, self._format)
        return min(late, self.line_start(exact + SLACK_BYTES))

    def line_start(self, offset: int) -> int:
        """Where the first line begins at or behind an offset."""
        assert self._fd is not None
        return self._format.framing.start(self._fd, offset, self.size)

    def batches(self, start: int, end: int | None = None) -> Iterator[Batch]:
        """Whole lines that begin in [start, end), to the end of the file without `end`."""
        assert self._fd is not None
        end = self.size if end is None else min(end, self.size)
        reader = LineReader(self._fd, start, framing=self._format.framing)
        while True:
            batch = reader.read(end)
            if batch is None:
                return
            self._budget.spend(reader.offset - batch.offset)
            yield batch

    def rest(self) -> Batch | None:
        """A last line without its newline, of a file that was rotated away."""
        assert self._fd is not None
        framing = self._format.framing
        return LineReader(self._fd, framing.unfinished(self._fd, self.size), framing=framing).rest()

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
