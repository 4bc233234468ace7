"""The patterns of `| pattern`: `<name>` takes what stands between two texts, `<_>` leaves it."""

from __future__ import annotations

import re

_CAPTURE = re.compile(r"<([A-Za-z_][A-Za-z0-9_]*)>")


class Pattern:
    """Raises ValueError for a pattern that takes nothing, or cannot tell where a capture ends."""

    def __init__(self, text: str) -> None:
        pieces = _CAPTURE.split(text)
        self._head, names, ends = pieces[0], pieces[1::2], pieces[2::2]
        named = [name for name in names if name != "_"]
        if not named:
            raise ValueError("at least one capture is required in a pattern")
        if any(not end for end in ends[:-1]):
            raise ValueError("two captures of a pattern have no text between them")
        if len(set(named)) < len(named):
            raise ValueError("a capture's name stands twice in a pattern")
        self._captures = tuple(zip(names, ends, strict=True))

    def captures(self, line: str) -> dict[str, str]:
        """What the captures hold. The first whose end is not found holds the rest; those behind it are absent."""
        if not line or not line.startswith(self._head):
            return {}
        found: dict[str, str] = {}
        place = len(self._head)
        for name, end in self._captures:
            stop = line.find(end, place) if end else len(line)
            if name != "_":
                found[name] = line[place:stop] if stop >= 0 else line[place:]
            if stop < 0:
                break
            place = stop + len(end)
        return found
