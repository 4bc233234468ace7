"""The default: a JSON object, surely logfmt, or klog by what the message looks like; any other text as it is.

Every text tells its level and ids when it has some. What only looks like one of the forms is no error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from collectors.logs.levels import HINT, level_in_text
from collectors.logs.parsers import json, klog, logfmt
from collectors.logs.parsers.bounds import MOST_FIELDS, flaw, surely_within
from collectors.logs.parsers.ids import NONE, ids_in_text, may_hold_ids
from collectors.logs.parsers.understood import Understood, decoded

NAME = "auto"
_LOGFMT_BEGINS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_@")
_KLOG_BEGINS = frozenset("IWEF")


class AutoParser:
    """Understands what a message looks like."""

    name = NAME

    def understand(self, message: bytes) -> Understood:
        """One message."""
        return _understood(message, True, True)

    def understand_many(self, messages: Sequence[bytes]) -> list[Understood]:
        """Many, looking once whether any of them may tell a level or a trace."""
        joined = b"\n".join(messages)
        levelled, traced = bool(HINT.search(joined)), may_hold_ids(joined)
        return [_understood(message, levelled, traced) for message in messages]


def _understood(message: bytes, levelled: bool, traced: bool) -> Understood:
    try:
        text, error = message.decode(), ""
    except UnicodeDecodeError:
        text, error = decoded(message)
    first = text[:1]
    if first == "{":
        try:
            return json.of_object(text, orjson.loads(text), error)
        except ValueError:
            pass
    elif first in json.BLANKS and (found := json.object_in(text)) is not None:
        return json.of_object(text, found, error)
    level = level_in_text(text) if levelled else None
    trace, span = ids_in_text(text) if traced else NONE
    fields: dict[str, Any] = {}
    form = logfmt.NAME
    if first in _LOGFMT_BEGINS:
        fields = logfmt.sure(text)
        if not fields and first in _KLOG_BEGINS and (header := klog.read(text)):
            fields, form = header.fields, klog.NAME
        if (len(fields) > MOST_FIELDS or not surely_within(text)) and (problem := flaw(fields)):
            return Understood(text, level, {}, trace, span, f"{form}: {problem}")
    return Understood(text, level, fields, trace, span, error)
