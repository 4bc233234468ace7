"""Texts that stand in every match of a pattern, so that a file can be searched for them before it is parsed.

Only what is certain: an alternative, a group, a class or an optional character ends a text, and a pattern
with flags has none. Fewer texts than there are cost time, one too many would hide lines.
"""

from __future__ import annotations

import string

_ENDS = frozenset("^$.[](){}*+?|\\")
_OPTIONAL = frozenset("*?{")
_PUNCTUATION = frozenset(string.punctuation)


def required(pattern: str) -> list[str]:
    """The texts of a pattern's top level that every match holds, in order; empty when none is certain."""
    if "|" in _top_level(pattern) or "(?" in pattern or "\\Q" in pattern:
        return []
    texts: list[str] = []
    text = ""
    index = depth = 0
    while index < len(pattern):
        char, width = _literal(pattern, index)
        following = pattern[index + width : index + width + 1]
        if depth == 0 and char and following not in _OPTIONAL:
            text += char
        else:
            texts.append(text)
            text = ""
        if not char and pattern[index] == "[":
            width = _class_width(pattern, index)
        elif not char and pattern[index] == "{":
            width = max(pattern.find("}", index) - index + 1, 1)
        elif not char:
            depth += (pattern[index] == "(") - (pattern[index] == ")")
        if following == "+":
            texts.append(text)
            text = ""
        index += width
    return [each for each in [*texts, text] if each]


def _literal(pattern: str, index: int) -> tuple[str, int]:
    """The character that stands for itself at an index, or none, and how much of the pattern it is."""
    char = pattern[index]
    if char == "\\" and index + 1 < len(pattern):
        escaped = pattern[index + 1]
        if escaped in _PUNCTUATION:
            return escaped, 2
        # \pN, \x{10FFFF}, \101 and the like are left to the parser: no text is certain around them.
        return "", _escape_width(pattern, index)
    return ("", 1) if char in _ENDS else (char, 1)


def _escape_width(pattern: str, index: int) -> int:
    kind = pattern[index + 1]
    if kind in "pPx" and pattern[index + 2 : index + 3] == "{":
        return max(pattern.find("}", index) - index + 1, 2)
    if kind == "x":
        return 4
    if kind in "pP":
        return 3
    if kind.isdigit():
        width = 2
        while width < 4 and pattern[index + width : index + width + 1].isdigit():
            width += 1
        return width
    return 2


def _class_width(pattern: str, index: int) -> int:
    """How long the class is that begins at an index; a `]` right at its beginning belongs to it."""
    position = index + 1
    if pattern[position : position + 1] == "^":
        position += 1
    if pattern[position : position + 1] == "]":
        position += 1
    while position < len(pattern) and pattern[position] != "]":
        if pattern.startswith("[:", position):
            position = max(pattern.find(":]", position), position) + 1
        elif pattern[position] == "\\":
            position += 1
        position += 1
    return position - index + 1


def _top_level(pattern: str) -> str:
    """The pattern without what is escaped, in classes or in groups."""
    kept = ""
    index = depth = 0
    while index < len(pattern):
        char = pattern[index]
        if char == "\\":
            index += 2
            continue
        if char == "[":
            index += _class_width(pattern, index)
            continue
        depth += (char == "(") - (char == ")")
        if depth == 0:
            kept += char
        index += 1
    return kept
