"""Text that comes from containers, made fit for an exposition: escaped, valid Unicode, cut at a stated length."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST_VALUE = 1024
"""Characters of a label value; a longer one is cut to this length, its last character being `…`."""

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Cuts:
    """How many label values were cut since the process started."""

    count = 0


def label_name(text: str) -> str:
    """A container's label name as it stands behind `container_label_`: `com.docker.x-y` → `com_docker_x_y`."""
    return _NOT_IN_NAMES.sub("_", text)


def valid(text: str) -> str:
    """The text as it can be written in UTF-8: lone surrogates become U+FFFD."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def labels_text(pairs: Iterable[tuple[str, str]]) -> str:
    """Labels without braces: `id="/x",name="web"`; the first of two pairs with one name stands.

    Values are hostile: they are escaped, what is not Unicode becomes U+FFFD, and a value beyond
    `LONGEST_VALUE` is cut, which `Cuts` counts.
    """
    rendered: dict[str, str] = {}
    for name, value in pairs:
        if name not in rendered:
            rendered[name] = f'{name}="{_escaped(value)}"'
    return ",".join(rendered.values())


def _escaped(value: str) -> str:
    if len(value) > LONGEST_VALUE:
        value = value[: LONGEST_VALUE - 1] + "…"
        Cuts.count += 1
    if '"' in value or "\\" in value or "\n" in value:
        value = value.translate(_ESCAPES)
    return valid(value)
