"""Names at the peer that are made of a container's: topics and tags.

What stands in braces is one of a fixed list, so that no container can make up more names than it has.
"""

from __future__ import annotations

import re
from string import Formatter

from collectors.logs.record import LogTarget

FIELDS = ("node", "engine", "namespace", "workload", "container", "name")
_LITERAL = re.compile(r"[A-Za-z0-9._\-]*")
_BAD = re.compile(r"[^A-Za-z0-9_\-]")
_MAX_VALUE = 63
_NONE = "none"


class Naming:
    """Makes names of at most `most` signs after a pattern such as `logs.{namespace}`.

    Raises ValueError when the pattern holds anything but letters, digits, `.`, `_`, `-` and fields.
    """

    def __init__(self, pattern: str, most: int) -> None:
        self._most = most
        self._parts: list[tuple[str, str]] = []
        for literal, field, form, conversion in Formatter().parse(pattern):
            if not _LITERAL.fullmatch(literal) or form or conversion:
                raise ValueError(f"{pattern!r} may hold letters, digits, '.', '_', '-' and fields in braces")
            if field is not None and field not in FIELDS:
                raise ValueError(f"{pattern!r}: no field {{{field}}}; there are {', '.join(FIELDS)}")
            self._parts.append((literal, field or ""))
        if not self._parts:
            raise ValueError("a name cannot be empty")

    def of(self, target: LogTarget, node: str) -> str:
        """The name for a container; a field without a value is `none`, signs that names do not have are `_`."""
        about = {**target.container, "node": node}
        name = "".join(
            literal + (_BAD.sub("_", str(about.get(field) or _NONE))[:_MAX_VALUE] if field else "")
            for literal, field in self._parts
        )
        return name[: self._most]
