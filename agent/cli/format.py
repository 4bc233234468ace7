"""How the commands print: tables, JSON, colours, and text of containers made harmless."""

from __future__ import annotations

import json
import os
import re
import sys
import zlib
from collections.abc import Callable, Sequence
from typing import Any, TextIO

import click

PALETTE = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
_CONTROL = re.compile(r"\x1b\[[0-9;:]*m|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def output_option(*choices: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds `-o`, whose first choice is the default."""
    return click.option(
        "-o", "--output", type=click.Choice(choices), default=choices[0], show_default=True, help="Form of the output."
    )  # fmt: skip


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns in line, the header first; cells are made harmless."""
    cells = [list(header), *([harmless(cell) for cell in row] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def as_json(value: Any) -> str:
    """JSON for people: indented, in its own order."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def harmless(text: str) -> str:
    """Text without the control characters that move a terminal; tabs and colours stay."""
    return _CONTROL.sub(lambda match: match[0] if match[0].startswith("\x1b[") else _shown(match[0]), text)


def _shown(character: str) -> str:
    return f"\\x{ord(character):02x}"


def wants_colour(stream: TextIO | None = None) -> bool:
    """Whether to use colours: on a terminal, unless NO_COLOR is set (no-color.org)."""
    return not os.environ.get("NO_COLOR") and (stream or sys.stdout).isatty()


def colour_of(name: str) -> int:
    """The colour of a container: the same every time."""
    return PALETTE[zlib.crc32(name.encode()) % len(PALETTE)]


def coloured(text: str, code: int) -> str:
    """Text in a colour."""
    return f"\x1b[{code}m{text}\x1b[0m"
