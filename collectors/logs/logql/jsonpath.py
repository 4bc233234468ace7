"""Where a value stands in a JSON document: `a.b[0]["c d"]`."""

from __future__ import annotations

import re
from typing import Any

Path = tuple[str | int, ...]
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*")
_STEP = re.compile(r'\.([A-Za-z_][A-Za-z0-9_\-]*)|\[(\d{1,9})\]|\["((?:[^"\\]|\\.)*)"\]')
ABSENT = object()


def path(text: str) -> Path:
    """Members' names and elements' numbers; raises ValueError for what is no path."""
    steps: list[str | int] = []
    found = _FIELD.match(text)
    place = 0
    if found:
        steps.append(found[0])
        place = found.end()
    while place < len(text):
        step = _STEP.match(text, place)
        if step is None or (place == 0 and text[0] == "."):
            raise ValueError(f'cannot parse expression "{text}": unexpected {text[place]!r} at {place + 1}')
        member, index, quoted = step.groups()
        steps.append(int(index) if index is not None else member or re.sub(r"\\(.)", r"\1", quoted or ""))
        place = step.end()
    if not steps:
        raise ValueError("cannot parse an empty expression")
    return tuple(steps)


def value_at(document: Any, steps: Path) -> Any:
    """The value at a path, `ABSENT` when there is none."""
    for step in steps:
        if isinstance(step, str):
            if not isinstance(document, dict) or step not in document:
                return ABSENT
            document = document[step]
        else:
            if not isinstance(document, list) or step >= len(document):
                return ABSENT
            document = document[step]
    return document
