"""One container's messages in the journal as a query reads them, in either direction: `collectors.logs.scan.Log`'s
counterpart.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Collection, Iterator, Sequence

from collectors.logs.assemble import Cut
from collectors.logs.entry import Entry
from collectors.logs.formats import plain
from collectors.logs.journal.assemble import JournalAssembler
from collectors.logs.journal.export import Export
from collectors.logs.journal.match import match_of
from collectors.logs.journal.message import Message, message_of
from collectors.logs.journal.process import PROGRAM, JournalProcess, command
from collectors.logs.judge import Judge
from collectors.logs.record import LogTarget
from collectors.logs.segment import Budget
from collectors.logs.sift import Sieve
from collectors.logs.times import SECOND

SLACK = 10 * SECOND
"""The journal takes a message at most so long after its writer's own time."""
BLOCK = 1000
BLOCK_BYTES = 4 << 20
"""Messages and bytes that are turned round at once."""
AROUND = 128
"""Messages before a block that may be the beginning of its first entry, and behind it the end of its last."""
_MOST_WAITING = 10_000
_LATEST = 1 << 62


class JournalLog:
    """The entries of one container that a judge wants, from `since` to `until` in ns, both inclusive.

    `grep` and `scratch` are not needed: all messages of the container and the time are read, and nothing is unpacked.
    """

    def __init__(
        self,
        target: LogTarget,
        judge: Judge,
        grep: str | None,
        *,
        since: int,
        until: int,
        scratch: str,
        budget: Budget,
        cuts: Collection[Cut] = (),
        program: str = PROGRAM,
    ) -> None:
        self._match = match_of(target.source)
        self._multiline = target.rule.multiline
        self._sieve = Sieve(plain, judge, None, target.rule)
        self._since, self._until = since, until
        self.budget = budget
        self._cuts = cuts
        self._program = program
        self._process: JournalProcess | None = None

    def forward(self) -> Iterator[Entry]:
        """Oldest first: what ended while an older entry had no end yet waits for it, in bounds."""
        assembler = JournalAssembler(self._cuts, 0, self._multiline)
        waiting: list[Entry] = []
        for messages in self._read():
            waiting += self._wanted(assembler.take(messages))
            begun = min((one.time for one in assembler.underway), default=_LATEST)
            waiting.sort(key=_time)
            ready = bisect.bisect_left(waiting, begun, key=_time)
            if len(waiting) > _MOST_WAITING:
                ready = len(waiting)
            yield from waiting[:ready]
            del waiting[:ready]
        yield from sorted(waiting + self._wanted(assembler.flush()), key=_time)

    def backward(self) -> Iterator[Entry]:
        """Newest first."""
        newest_first = itertools.chain.from_iterable(self._read("--reverse"))
        newer: list[Message] = []
        block = _block(newest_first)
        while block:
            older = _block(newest_first)
            yield from reversed(self._wanted(self._owned(older[-AROUND:], block, newer[:AROUND])))
            newer, block = block, older

    def close(self) -> None:
        """End the reading."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _owned(
        self, before: Sequence[Message], block: Sequence[Message], behind: Sequence[Message]
    ) -> list[Entry]:
        """The entries that begin in a block, in the order in which they do."""
        assembler = JournalAssembler(self._cuts, 0, self._multiline)
        entries = assembler.take([*before, *block, *behind]) + assembler.flush()
        order = {(one.cursor.key, one.cursor.number): index for index, one in enumerate(block)}
        own = [entry for entry in entries if (entry.key, entry.offset) in order]
        own.sort(key=lambda entry: order[entry.key, entry.offset])
        return own

    def _wanted(self, entries: Sequence[Entry]) -> list[Entry]:
        return self._sieve.judged([entry for entry in entries if self._since <= entry.time <= self._until])

    def _read(self, *options: str) -> Iterator[list[Message]]:
        """The container's messages of the asked time, as they come."""
        bounds: list[str] = []
        if self._since > 0:
            bounds.append(f"--since=@{max(0, self._since - SLACK) // SECOND}")
        if self._until < _LATEST:
            bounds.append(f"--until=@{(self._until + SLACK) // SECOND + 1}")
        self.close()
        words = command(self._match.directory, [self._match], [*bounds, *options], self._program)
        process = self._process = JournalProcess(words, block=True)
        export = Export()
        while data := process.read():
            self.budget.spend(len(data))
            found = [message_of(fields) for fields in export.feed(data)]
            yield [one for one in found if one is not None and one.owner == self._match[1:]]


def _block(newest_first: Iterator[Message]) -> list[Message]:
    """The next messages back, oldest first."""
    block: list[Message] = []
    size = 0
    for message in newest_first:
        block.append(message)
        size += len(message.line.content)
        if len(block) >= BLOCK or size >= BLOCK_BYTES:
            break
    block.reverse()
    return block


def _time(entry: Entry) -> int:
    return entry.time
