"""Batches as lines, with turns for the event loop between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from collectors.logs.batch import LogBatch, Record
from collectors.logs.jsonline import JsonLines
from collectors.logs.record import LogTarget

_TURN = 256

Form = Callable[[LogTarget], Callable[[Record], bytes]]
"""Gives, for a container, what makes a line of its records."""


def json_form(target: LogTarget) -> Callable[[Record], bytes]:
    """Lines as the API gives them, each with its newline."""
    line = JsonLines(target).line
    return lambda record: line(record) + b"\n"


async def rendered(batches: Sequence[LogBatch], form: Form) -> list[bytes]:
    """A line for each record, in order."""
    lines: list[bytes] = []
    for batch in batches:
        made = form(batch.target)
        for start in range(0, len(batch.records), _TURN):
            lines += map(made, batch.records[start : start + _TURN])
            await asyncio.sleep(0)
    return lines
