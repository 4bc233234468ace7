"""The keys under `logs:`: what is read, what is done with it, where it is shipped to."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from agent.config.types import Count, Duration, Path, Section, Size, Switch, Variants
from agent.shipping.registry import SINKS
from agent.shipping.sink import SinkSettings

SINK_TYPES = Variants(lambda: {name: kind.settings for name, kind in SINKS.items()})


class LogFile(Section, frozen=True, kw_only=True):
    """Plain log files that no engine writes."""

    path: str
    """Path of a file, or a glob of several (`**` for any depth); each file is a log of its own."""
    name: str = ""
    """What it is called; the file's name without its suffix if left out."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    """Labels of its records."""


class MultilineRule(Section, frozen=True):
    """How lines become one record."""

    mode: Literal["stacks", "start", "none"] = "stacks"
    """`stacks` joins the stack traces of Java, Python, Go, Node, .NET, Ruby, PHP and Rust; `start` whatever follows
    a line that matches `start`; `none` nothing."""
    start: str = ""
    """RE2 pattern of the first line of a record, for `mode: start`."""
    flush: Duration = 1.0
    """How long the last record waits for more lines."""


class LimitRule(Section, frozen=True):
    """How much of a container's output is shipped."""

    lines: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """Lines a second, by the times that the writer gave them."""
    bytes: Size | None = None
    """Bytes a second."""
    burst: Duration = 10.0
    """So many seconds' worth may come at once; half of it is kept for errors."""
    action: Literal["drop", "sample", "block"] = "drop"
    """What becomes of lines beyond the limit: given up, one of `sample` shipped, or shipped later."""
    sample: Count = 10
    """For `action: sample`: one of so many lines beyond the limit is shipped."""


class DropRule(Section, frozen=True):
    """Messages that are not shipped; all that is given must meet."""

    level: str = ""
    """Levels, separated by commas."""
    stream: str = ""
    """`stdout` or `stderr`."""
    grep: str = ""
    """RE2 pattern, anywhere in the message."""


class MetricRule(Section, frozen=True, kw_only=True):
    """A metric made from messages."""

    name: str
    """Its name; `container_log_metric_` stands before it."""
    kind: Literal["counter", "histogram"] = "counter"
    """A counter counts messages, or adds up `value`; a histogram observes `value`."""
    help: str = ""
    """What it says."""
    grep: str = ""
    """RE2 pattern of the messages that count; empty is all."""
    level: str = ""
    """Levels of the messages that count, separated by commas; empty is all."""
    value: str = ""
    """Field with the number."""
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    """Label names and the fields that their values come from."""
    buckets: tuple[float, ...] = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
    """Upper bounds of a histogram's buckets."""
    max_values: Count = 50
    """Values that each label may take; further ones are counted as `other`."""


class RedactRule(Section, frozen=True, kw_only=True):
    """A pattern that is blacked out."""

    name: str
    """What stands in its place: `[redacted:NAME]`."""
    pattern: str
    """RE2 pattern; its first group is blacked out, or all of it when it has none."""


class LogRule(Section, frozen=True):
    """What is done with the output of some containers. Of several rules that match, the last that says something
    counts; patterns to redact, drops and metrics add up."""

    selector: str = ""
    """Which containers, as PromQL matchers; empty is all."""
    ship: bool | None = None
    """Whether it is shipped at all."""
    parser: str | None = None
    """`auto`, `none`, `json`, `logfmt`, `klog`, `nginx`, `apache`, `syslog`, `go`, `java`, `python`, or
    `regex:PATTERN` with named groups."""
    multiline: MultilineRule | None = None
    """How lines become one record."""
    redact: Literal["default", "none"] | None = None
    """`none` switches the built-in patterns off for these containers."""
    redact_patterns: tuple[RedactRule, ...] = ()
    """Further patterns that are blacked out."""
    limit: LimitRule | None = None
    """How much is shipped."""
    drop: tuple[DropRule, ...] = ()
    """Messages that are not shipped."""
    metrics: tuple[MetricRule, ...] = ()
    """Metrics made from messages."""


class Journald(Section, frozen=True):
    """The systemd journal as a source of logs."""

    enabled: Switch = "auto"
    """`auto`: where `journalctl` and a journal are found. `true` says in the agent's log when they are not."""
    units: tuple[str, ...] = ()
    """Services whose output is read, by name, with wildcards: `nginx.service`, `backup-*.service`. Containers that
    log to journald are read without being named."""


class Spool(Section, frozen=True):
    """Disk space for what rotates away before a sink has it."""

    path: Path = ""
    """Empty: `spool` in `paths.state`."""
    max_bytes: Size = 1 << 30
    """Bytes it may take; beyond it what rotates away is lost, and counted."""


class Logs(Section, frozen=True):
    """What containers print: reading, counting, querying."""

    enabled: bool = True
    """Whether logs are read at all."""
    start_at: Literal["beginning", "end"] | Duration = 3600.0
    """Where to start counting in a file first seen without a position: `beginning`, `end`, or so long ago."""
    files: tuple[LogFile, ...] = ()
    """Plain log files."""
    journald: Journald = Journald()
    rules: tuple[LogRule, ...] = ()
    """Parser, multiline, redaction, limits, drops and metrics of some containers."""
    redact: Literal["default", "none"] = "default"
    """Whether tokens, keys, card numbers and passwords in URLs are blacked out before a message is shipped, shown
    or searched (docs/redaction.md)."""
    redact_fail_closed: bool = False
    """Withhold a message on which redaction fails, instead of giving it out as it is."""
    spool: Spool = Spool()
    sinks: tuple[Annotated[SinkSettings, SINK_TYPES], ...] = ()
    """Where logs are shipped to, each `{type: …}` (docs/shipping.md)."""
