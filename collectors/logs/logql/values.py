"""The values of a template's expressions, and what Go prints for them."""

from __future__ import annotations

import math
import re
from typing import TypeAlias

from collectors.logs.logql import quantities

Value: TypeAlias = str | int | float | bool
MAX_TEXT = 256 * 1024


def text_of(value: Value) -> str:
    """A value as Go prints it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value and not 1e-4 <= abs(value) < 1e21 and math.isfinite(value):
        return re.sub(r"e([+-])(\d)$", r"e\g<1>0\2", repr(value).replace(".0e", "e"))
    return quantities.number_text(value) if isinstance(value, float) else str(value)


def truth(value: Value) -> bool:
    """Whether `if` takes a value for true: what is neither empty nor 0."""
    return bool(value)


def bounded(size: int) -> None:
    """Raises ValueError for a text of more than `MAX_TEXT` characters."""
    if size > MAX_TEXT:
        raise ValueError(f"the result is longer than {MAX_TEXT} bytes")
