"""Records on their way out: parsed, redacted, limited, each batch of one container."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from collectors.logs.record import LogTarget


class Record(msgspec.Struct, frozen=True, gc=False):
    """One entry as it leaves: `time` in ns since the epoch, `message` redacted, `size` of the message in bytes.

    `uid` is the same on every reading; a peer may drop what it has already by it. `shift` is by how many ns the
    record has to be moved behind others of its stream that have the same time (`collectors.logs.twins`).
    """

    time: int
    stream: str
    level: str | None
    message: str
    fields: dict[str, Any]
    trace_id: str | None
    span_id: str | None
    run: int | None
    uid: str
    size: int
    shift: int = 0


class LogBatch(NamedTuple):
    """Records of one container, in the order of its files."""

    target: LogTarget
    records: Sequence[Record]
