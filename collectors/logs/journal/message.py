"""One entry of the journal as a line of a container's or service's output.

Fields of Docker's driver: moby, daemon/logger/journald; of conmon: src/ctr_logging.c, write_journald.
"""

from __future__ import annotations

from typing import NamedTuple

from collectors.logs.formats import Line, Part
from collectors.logs.journal.cursor import Cursor, cursor_of
from collectors.logs.journal.export import Fields
from collectors.logs.times import parse

FIELDS = (
    "MESSAGE",
    "PRIORITY",
    "CONTAINER_ID_FULL",
    "CONTAINER_PARTIAL_MESSAGE",
    "CONTAINER_PARTIAL_ID",
    "CONTAINER_PARTIAL_ORDINAL",
    "CONTAINER_LOG_EPOCH",
    "CONTAINER_LOG_ORDINAL",
    "SYSLOG_TIMESTAMP",
    "_SYSTEMD_UNIT",
    "_SOURCE_REALTIME_TIMESTAMP",
)
"""All that is asked of an entry: whatever else it holds is not even read."""
_MICROSECOND = 1000
_STDOUT, _STDERR = b"6", b"3"
_WIDEST = 18


class Message(NamedTuple):
    """A line, where it stands, whose it is, and Docker's epoch and ordinal (0 when there is none)."""

    cursor: Cursor
    line: Line
    owner: tuple[str, str]
    epoch: bytes
    ordinal: int


def message_of(fields: Fields) -> Message | None:
    """The message of an entry; None when it has none, or is nobody's."""
    cursor = cursor_of(fields.get(b"__CURSOR", b""))
    text = fields.get(b"MESSAGE")
    container, unit = fields.get(b"CONTAINER_ID_FULL"), fields.get(b"_SYSTEMD_UNIT")
    if cursor is None or text is None or not (container or unit):
        return None
    if container:
        owner = ("CONTAINER_ID_FULL", container.decode("ascii", "replace"))
    else:
        owner = ("_SYSTEMD_UNIT", (unit or b"").decode("utf-8", "replace"))
    part = _part(fields)
    partial = fields.get(b"CONTAINER_PARTIAL_MESSAGE") == b"true"
    line = Line(_time(fields, cursor), _stream(fields), partial, _printed(fields, text), part)
    ordinal = _number(fields.get(b"CONTAINER_LOG_ORDINAL", b""))
    return Message(cursor, line, owner, fields.get(b"CONTAINER_LOG_EPOCH", b"")[:64], ordinal)


def _stream(fields: Fields) -> str:
    """A container's stderr has the priority of an error. Of a service nobody knows."""
    stderr = b"CONTAINER_ID_FULL" in fields and fields.get(b"PRIORITY") == _STDERR
    return "stderr" if stderr else "stdout"


def _printed(fields: Fields, text: bytes) -> bytes:
    """The message without the newline that conmon leaves on it, and with its priority before it, as programs print
    one, where that says more than the stream."""
    text = text.removesuffix(b"\n")
    priority = fields.get(b"PRIORITY", _STDOUT)
    told = (_STDOUT, _STDERR) if b"CONTAINER_ID_FULL" in fields else (_STDOUT,)
    if priority in told or len(priority) != 1 or not b"0" <= priority <= b"7":
        return text
    return b"<%s>%s" % (priority, text)


def _time(fields: Fields, cursor: Cursor) -> int:
    """The writer's time in ns, else the one when the journal was told, else when it took it."""
    stamp = fields.get(b"SYSLOG_TIMESTAMP", b"")
    if stamp and b"CONTAINER_ID_FULL" in fields:
        try:
            return parse(stamp[:64])
        except ValueError:
            pass
    return (_number(fields.get(b"_SOURCE_REALTIME_TIMESTAMP", b"")) or cursor.time) * _MICROSECOND


def _part(fields: Fields) -> Part | None:
    id = fields.get(b"CONTAINER_PARTIAL_ID")
    return Part(id[:128], _number(fields.get(b"CONTAINER_PARTIAL_ORDINAL", b""))) if id else None


def _number(text: bytes) -> int:
    return int(text) if text.isdigit() and len(text) <= _WIDEST else 0
