"""One follower of a journal for many readers: each gets the messages of its container from its own place on.

The journal is read once, from the earliest place that a reader needs; what stands before a reader's own place it
does not get. Readers that take nothing hold up the others of the same stream, and it needs no memory for them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from collectors.logs.formats import Unreadable
from collectors.logs.journal.cursor import Cursor
from collectors.logs.journal.export import Export
from collectors.logs.journal.match import Match
from collectors.logs.journal.message import Message, message_of
from collectors.logs.journal.process import PROGRAM, JournalProcess, command

MOST_HELD = 4 << 20
"""Bytes of messages that wait for the readers of a stream before the journal is read on."""
QUIET = 3.0
"""Seconds without anything new after which all there was has been read."""
AGAIN = 2.0
"""Seconds before a journalctl that ended is started again."""
_OVERHEAD = 200


class Mailbox:
    """What came for one reader, in order. `after` is the place behind which it reads."""

    def __init__(self, match: Match, after: Cursor) -> None:
        self.match = match
        self.after = after
        self.messages: deque[Message] = deque()
        self.joined = False


class Stream:
    """The follower of the journal of one directory; runs while it has readers."""

    def __init__(
        self, directory: str, *, program: str = PROGRAM, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.starts = 0
        """How often a journalctl was started."""
        self._directory = directory
        self._program = program
        self._clock = clock
        self._boxes: dict[tuple[str, str], list[Mailbox]] = {}
        self._process: JournalProcess | None = None
        self._export = Export()
        self._reached: Cursor | None = None
        self._held = 0
        self._stale = True
        self._news = clock()
        self._retry = 0.0

    @property
    def quiet(self) -> bool:
        """Whether all there was has been read, as far as one can tell."""
        return not self._stale and not self._held and self._clock() - self._news >= QUIET

    def join(self, match: Match, after: Cursor) -> Mailbox:
        """Have the messages of a match that stand behind a place."""
        box = Mailbox(match, after)
        self._boxes.setdefault((match.field, match.value), []).append(box)
        self._stale = True
        self._news = self._clock()
        return box

    def leave(self, box: Mailbox) -> None:
        """Have no more of it; without readers the follower ends."""
        key = (box.match.field, box.match.value)
        self._boxes[key].remove(box)
        self._held -= sum(map(_weight, box.messages))
        if not self._boxes[key]:
            del self._boxes[key]
        if not self._boxes:
            self._end()

    def pump(self) -> bool:
        """Read what there is, at most 256 KiB, into the mailboxes; whether there was anything. Raises Unreadable."""
        if self._held >= MOST_HELD:
            return False
        try:
            if self._stale:
                self._start()
            data = self._process.read() if self._process else None
            if data == b"":
                raise Unreadable("journalctl stopped following the journal; it is started again")
        except Unreadable:
            self._end()
            self._retry = self._clock() + AGAIN
            raise
        if not data:
            return False
        self._news = self._clock()
        for fields in self._export.feed(data):
            if (message := message_of(fields)) is not None:
                self._put(message)
        return True

    def take(self, box: Mailbox, most: int) -> list[Message]:
        """Messages out of a mailbox, of about so many bytes."""
        taken: list[Message] = []
        size = 0
        while box.messages and size < most:
            taken.append(box.messages.popleft())
            size += _weight(taken[-1])
        self._held -= size
        return taken

    def reached(self, box: Mailbox) -> Cursor | None:
        """The place before which nothing more comes for an empty mailbox; None when that is not known yet."""
        if box.messages or not box.joined or self._reached is None:
            return None
        return self._reached if box.after.before(self._reached) else box.after

    def _put(self, message: Message) -> None:
        self._reached = message.cursor
        for box in self._boxes.get(message.owner, ()):
            if box.joined and box.after.before(message.cursor):
                box.messages.append(message)
                box.after = message.cursor
                self._held += _weight(message)

    def _start(self) -> None:
        if self._clock() < self._retry:
            return
        self._end()
        boxes = [box for some in self._boxes.values() for box in some]
        for box in boxes:
            if box.joined and self._reached is not None and box.after.before(self._reached):
                box.after = self._reached
        first = min((box.after for box in boxes), key=lambda cursor: cursor.time)
        self._process = JournalProcess(self._command(first))
        self.starts += 1
        self._reached = None
        for box in boxes:
            box.joined = True
        self._stale = False
        self._news = self._clock()

    def _command(self, first: Cursor) -> list[str]:
        # The entry of the cursor itself is asked for too: where it is gone, its neighbour must not be skipped.
        begin = (
            [f"--cursor={first.text.decode()}"] if first.sequence else [f"--since=@{first.time // 1_000_000}"]
        )
        matches = [box.match for some in self._boxes.values() for box in some]
        return command(self._directory, matches, ["--follow", "--no-tail", *begin], self._program)

    def _end(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None
        self._export = Export()
        self._stale = True


class Streams:
    """The streams of one reader of many logs, by directory."""

    def __init__(self, program: str = PROGRAM, clock: Callable[[], float] = time.monotonic) -> None:
        self._program = program
        self._clock = clock
        self._streams: dict[str, Stream] = {}

    def of(self, directory: str) -> Stream:
        """The stream of a directory's journal."""
        if directory not in self._streams:
            self._streams[directory] = Stream(directory, program=self._program, clock=self._clock)
        return self._streams[directory]


def _weight(message: Message) -> int:
    return len(message.line.content) + _OVERHEAD
