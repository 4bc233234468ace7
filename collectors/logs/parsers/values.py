"""Values that stand in a text without quotes, as what they are: numbers, truth values, else text."""

from __future__ import annotations

import re

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}(?:[eE][+-]?[0-9]{1,2})?")
_NUMBER_BEGINS = frozenset("-0123456789")
_TRUTH = {"true": True, "false": False}
_MOST = 2**63
_SURELY = len(str(_MOST))


def typed(text: str) -> str | int | float | bool:
    """A number or truth value if the text is one and nothing else.

    What may be an identifier stays text: leading zeros, more than 64 bits, an exponent without a point
    (`12e4567` of a commit). So do durations and sizes: they have units.
    """
    if text[:1] not in _NUMBER_BEGINS:
        return _TRUTH.get(text, text)
    if text.isdecimal() and len(text) < _SURELY and text[0] != "0" and text.isascii():
        return int(text)
    if _INTEGER.fullmatch(text):
        number = int(text)
        return number if -_MOST <= number < _MOST else text
    return float(text) if _FLOAT.fullmatch(text) else text
