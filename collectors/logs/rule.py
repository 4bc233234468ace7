"""What is done with one container's output: how it is parsed, joined, redacted, limited, counted.

A rule comes from `logs.rules` of the configuration and from the container's own labels and annotations
(`deckwatch.io/…`); the agent resolves it, and it travels with the container's LogTarget, so that the log worker,
a query and a live stream see the same records.
"""

from __future__ import annotations

from typing import Literal

import msgspec

AUTO = "auto"


class Multiline(msgspec.Struct, frozen=True, kw_only=True):
    """How lines are joined to one entry. `stacks` joins the stack traces of known languages, `start` whatever
    follows a line that matches the RE2 pattern `start`, `none` nothing. `flush` is in seconds."""

    mode: Literal["stacks", "start", "none"] = "stacks"
    start: str = ""
    flush: float = 1.0


class Redaction(msgspec.Struct, frozen=True, kw_only=True):
    """What is blacked out. `defaults` are the built-in rules; `patterns` are own ones, (name, RE2 pattern): the
    pattern's first group is blacked out, or all of it when it has none. With `fail_closed` a message on which
    redaction fails is withheld instead of given out as it is."""

    defaults: bool = True
    patterns: tuple[tuple[str, str], ...] = ()
    fail_closed: bool = False


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a container's output is shipped: lines and bytes a second by the writer's own times, with
    `burst` seconds' worth at once. `drop` gives up what is beyond, `sample` keeps one of `sample` lines of it,
    `block` ships it later. Messages of level error and fatal are given up last."""

    lines: float | None = None
    bytes: float | None = None
    burst: float = 10.0
    action: Literal["drop", "sample", "block"] = "drop"
    sample: int = 10


class Drop(msgspec.Struct, frozen=True, kw_only=True):
    """Messages that are not shipped: of these levels, on this stream, matching this RE2 pattern: all of it."""

    level: str = ""
    stream: str = ""
    grep: str = ""


class LogMetric(msgspec.Struct, frozen=True, kw_only=True):
    """A metric made from messages. A counter counts those that match `grep` (and have the field `value`, which is
    then added); a histogram observes `value`. `labels` are (label, field); each takes at most `max_values`
    values, further ones are counted as `other`."""

    name: str
    kind: Literal["counter", "histogram"] = "counter"
    help: str = ""
    grep: str = ""
    level: str = ""
    value: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    buckets: tuple[float, ...] = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
    max_values: int = 50


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Everything for one container. `ship` is False for one that asked not to be shipped. `parser` is a name of
    collectors.logs.parsers, `auto`, `none`, or `regex:PATTERN` with named groups."""

    ship: bool = True
    parser: str = AUTO
    multiline: Multiline = Multiline()
    redact: Redaction | None = Redaction()
    limit: Limit | None = None
    drop: tuple[Drop, ...] = ()
    metrics: tuple[LogMetric, ...] = ()
