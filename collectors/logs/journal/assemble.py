"""Messages of the journal into whole entries: the same joining as of files, with an entry's number for its offset."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from collectors.logs.assemble import ALONE, Assembler, Cut
from collectors.logs.entry import MAX_ENTRY, Entry
from collectors.logs.formats import plain
from collectors.logs.journal.message import Message
from collectors.logs.multiline import CUT, SPAN
from collectors.logs.rule import Multiline


class JournalAssembler(Assembler):
    """Joins the messages of one container, taken in order."""

    def __init__(self, cuts: Collection[Cut] = (), time: int = 0, multiline: Multiline = ALONE) -> None:
        super().__init__(plain, cuts, time, multiline)

    def take(self, messages: Sequence[Message]) -> list[Entry]:
        """The entries that end in these messages."""
        entries: list[Entry] = []
        for message in messages:
            line, cursor = message.line, message.cursor
            self.time = line.time
            if not line.partial and line.part is None and line.stream not in self.pending:
                entries.append(_entry(message))
            else:
                entries += self._join(line, cursor.key, cursor.number)
        if self.joiner is None:
            return entries
        return [whole for entry in entries for whole in self._joined(entry)]

    def _joined(self, entry: Entry) -> list[Entry]:
        """What an entry ends; the lines beyond a stack's longest span are entries of their own."""
        assert self.joiner is not None
        stack = self.joiner.stacks.get(entry.stream)
        if stack is None or stack.size + entry.size <= SPAN or entry.partial:
            return self.joiner.joined([entry])
        *ended, _ = self.joiner.joined([entry._replace(partial=True)])
        return [*ended, entry]


def _entry(message: Message) -> Entry:
    line, cursor = message.line, message.cursor
    content = line.content[:MAX_ENTRY]
    error = CUT if len(content) < len(line.content) else ""
    return Entry(line.time, line.stream, content, cursor.key, cursor.number, len(line.content) + 1, error)
