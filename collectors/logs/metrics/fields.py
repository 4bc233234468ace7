"""What a metric takes from a message: the text of a label, the number of an observation."""

from __future__ import annotations

import math
from typing import Any

from collectors.logs.entry import Entry
from collectors.logs.logql.quantities import duration, number
from collectors.logs.parse import Understood

LONGEST = 128
"""Characters of a label's value; what is longer is cut, its last character being `…`."""
_NANOSECONDS = 1_000_000_000
_DEEPEST = 8


def label_in(field: str, entry: Entry, told: Understood) -> str:
    """The text of a field, `level` and `stream` being there always; empty when the message has none."""
    value = _field(told.fields, field)
    if value is None and field == "level":
        value = told.level
    elif value is None and field == "stream":
        value = entry.stream
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, str | int | float):
        text = str(value)
    else:
        return ""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def number_in(field: str, told: Understood) -> float | None:
    """The number of a field, a duration (`12ms`) in seconds; None for one that is negative or none."""
    value = _field(told.fields, field)
    try:
        if isinstance(value, str):
            value = _read(value.strip())
        found = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        return None
    return found if found >= 0 and math.isfinite(found) else None


def _read(text: str) -> float:
    try:
        return number(text)
    except ValueError:
        return duration(text) / _NANOSECONDS


def _field(fields: dict[str, Any], name: str) -> Any:
    """A member of that name, else the inner one that a path with dots names."""
    if name in fields:
        return fields[name]
    found: Any = fields
    for part in name.split(".", _DEEPEST):
        if not isinstance(found, dict):
            return None
        found = found.get(part)
    return found
