"""Files or the journal: what reads a container's output, by the format of its source.

The journal's readers are only imported where one is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from collectors.logs.chain import Look, chain_of
from collectors.logs.journal.match import FORMAT
from collectors.logs.positions import Progress
from collectors.logs.record import LogTarget
from collectors.logs.scan import Log
from collectors.logs.start import Start
from collectors.logs.tail import Tail

if TYPE_CHECKING:
    from collectors.logs.journal.log import JournalLog
    from collectors.logs.journal.stream import Streams
    from collectors.logs.journal.tail import JournalTail

AnyTail: TypeAlias = "Tail | JournalTail"


def in_journal(target: LogTarget) -> bool:
    """Whether its output lies in the journal."""
    return target.source.format == FORMAT


def log_kind(target: LogTarget) -> type[Log] | type[JournalLog]:
    """What a query reads it with."""
    if not in_journal(target):
        return Log
    from collectors.logs.journal.log import JournalLog

    return JournalLog


class Tails:
    """Makes the tails of one reader of many logs: those of its containers in the journal share their followers."""

    def __init__(self, scratch: str) -> None:
        self._scratch = scratch
        self._streams: Streams | None = None

    def tail(
        self,
        target: LogTarget,
        progress: Progress,
        start: Start,
        *,
        counting: bool = True,
        look: Look = chain_of,
    ) -> AnyTail:
        """The tail of a container; raises Unreadable for a source that is none."""
        if not in_journal(target):
            return Tail(target, progress, start, self._scratch, counting=counting, look=look)
        from collectors.logs.journal.stream import Streams
        from collectors.logs.journal.tail import JournalTail

        self._streams = self._streams or Streams()
        return JournalTail(target, progress, start, self._streams, counting=counting)
