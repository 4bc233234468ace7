"""Whose output is read, and where it lies."""

from __future__ import annotations

from typing import Any

import msgspec

from collectors.logs.rule import Rule
from collectors.model import LogSource


class LogTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A container whose output is read: where it lies, and what its records say about it.

    `container` is the short identity with `labels`; `runs` are (run, started at in epoch seconds),
    rising; `finished` says that no process writes any more; `rule` what is done with its output, `sinks` the names
    of those that it is shipped to.
    """

    id: str
    source: LogSource
    container: dict[str, Any]
    runs: list[tuple[int, float]] = []
    finished: bool = False
    rule: Rule = Rule()
    sinks: tuple[str, ...] = ()
