"""How many messages of a container are missing in the journal, by the ordinals that Docker gives them.

Each run of Docker's driver has an epoch of its own, and numbers its messages from 1.
Source: moby, daemon/logger/journald.
"""

from __future__ import annotations

from collectors.logs.journal.message import Message

JOURNAL_GAP = "journal_gap"


class Ordinals:
    """The last message that was seen of a container; without an `epoch` none was."""

    def __init__(self, epoch: bytes = b"", ordinal: int = 0) -> None:
        self.epoch = epoch
        self.ordinal = ordinal

    def missing(self, message: Message) -> int:
        """How many messages stood between the last one and this, and are not there."""
        if not message.ordinal:
            return 0
        known, same = bool(self.epoch), message.epoch == self.epoch
        if same and message.ordinal <= self.ordinal:
            return 0
        before = self.ordinal if same else 0
        self.epoch, self.ordinal = message.epoch, message.ordinal
        return message.ordinal - before - 1 if known else 0
