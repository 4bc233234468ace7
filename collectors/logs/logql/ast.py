"""The words of LogQL: what a query is once it is read. Times are in nanoseconds, sizes in bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Literal, TypeAlias

MatchOp: TypeAlias = Literal["=", "!=", "=~", "!~"]
CompareOp: TypeAlias = Literal["==", "!=", ">", ">=", "<", "<="]
LineOp: TypeAlias = Literal["|=", "!=", "|~", "!~"]
Conversion: TypeAlias = Literal["", "duration", "duration_seconds", "bytes"]
Side: TypeAlias = Literal["", "left", "right"]


@dataclass(frozen=True, slots=True)
class Matcher:
    """A label's value against a text or an anchored pattern; a label that is absent has the value ''."""

    name: str
    op: MatchOp
    value: str


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Lines that hold one of `texts` (`|=`, `|~`), or none of them (`!=`, `!~`)."""

    op: LineOp
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Extraction:
    """One label that a parser takes out of a line: its name, and where it stands in there."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class JsonParser:
    """`| json`: all members, or only those that are named."""

    extractions: tuple[Extraction, ...] = ()


@dataclass(frozen=True, slots=True)
class LogfmtParser:
    """`| logfmt`: all pairs, or only those that are named."""

    strict: bool = False
    keep_empty: bool = False
    extractions: tuple[Extraction, ...] = ()


@dataclass(frozen=True, slots=True)
class RegexpParser:
    """`| regexp`: the named groups of a pattern."""

    pattern: str


@dataclass(frozen=True, slots=True)
class PatternParser:
    """`| pattern`: what stands between texts."""

    pattern: str


@dataclass(frozen=True, slots=True)
class NumberFilter:
    """A label's value as a number."""

    name: str
    op: CompareOp
    value: float


@dataclass(frozen=True, slots=True)
class DurationFilter:
    """A label's value as a duration, in nanoseconds."""

    name: str
    op: CompareOp
    value: int


@dataclass(frozen=True, slots=True)
class BytesFilter:
    """A label's value as a size, in bytes."""

    name: str
    op: CompareOp
    value: int


@dataclass(frozen=True, slots=True)
class Both:
    """Both filters hold."""

    left: LabelCondition
    right: LabelCondition


@dataclass(frozen=True, slots=True)
class Either:
    """One of the filters holds."""

    left: LabelCondition
    right: LabelCondition


LabelCondition: TypeAlias = Matcher | NumberFilter | DurationFilter | BytesFilter | Both | Either


@dataclass(frozen=True, slots=True)
class LabelFilter:
    """`| level="error" and duration > 1s`."""

    condition: LabelCondition


@dataclass(frozen=True, slots=True)
class LineFormat:
    """`| line_format`: the line made anew from a template."""

    template: str


@dataclass(frozen=True, slots=True)
class LabelAssignment:
    """A label named anew (`a=b`), or made from a template (`a="{{.b}}"`)."""

    name: str
    value: str
    rename: bool


@dataclass(frozen=True, slots=True)
class LabelFormat:
    """`| label_format`: each name once."""

    assignments: tuple[LabelAssignment, ...]


@dataclass(frozen=True, slots=True)
class Drop:
    """`| drop`: labels by name, or by name and value."""

    labels: tuple[str | Matcher, ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """`| keep`: these labels and no others."""

    labels: tuple[str | Matcher, ...]


@dataclass(frozen=True, slots=True)
class Decolorize:
    """`| decolorize`: the line without ANSI colours."""


Stage: TypeAlias = (
    LineFilter
    | JsonParser
    | LogfmtParser
    | RegexpParser
    | PatternParser
    | LabelFilter
    | LineFormat
    | LabelFormat
    | Drop
    | Keep
    | Decolorize
)


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Streams, and what is done with each of their lines in turn."""

    matchers: tuple[Matcher, ...]
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class Unwrap:
    """`| unwrap`: the label whose value is the sample, how it is read, and filters behind it."""

    label: str
    conversion: Conversion = ""
    filters: tuple[LabelFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class LogRange:
    """The entries of `(t - range - offset, t - offset]` for each evaluation time t."""

    query: LogQuery
    range: int
    unwrap: Unwrap | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Grouping:
    """The labels of an aggregation's result: only these, or all `without` these."""

    without: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RangeAggregation:
    """`rate(…[5m])` and its like: one value of each series for each evaluation time."""

    op: str
    range: LogRange
    parameter: float | None = None
    grouping: Grouping | None = None


@dataclass(frozen=True, slots=True)
class VectorAggregation:
    """`sum by (a) (…)` and its like."""

    op: str
    expr: Metric
    parameter: int | None = None
    grouping: Grouping | None = None


@dataclass(frozen=True, slots=True)
class LabelReplace:
    """`label_replace(v, "dst", "replacement", "src", "pattern")`."""

    expr: Metric
    dst: str
    replacement: str
    src: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Vector:
    """`vector(1)`."""

    value: float


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number."""

    value: float


@dataclass(frozen=True, slots=True)
class Matching:
    """How the series of two operands find each other. `group` names the side that may have many; `include`
    are labels that are taken from the other side. `returns_bool` makes a comparison give 0 or 1."""

    returns_bool: bool = False
    on: bool = False
    labels: tuple[str, ...] = ()
    group: Side = ""
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """Two operands; never two scalars, those are reckoned when the query is read."""

    op: str
    left: Metric
    right: Metric
    matching: Matching = Matching()


Metric: TypeAlias = RangeAggregation | VectorAggregation | LabelReplace | Vector | Scalar | Operation
Query: TypeAlias = LogQuery | Metric


def parts(node: object) -> Iterator[object]:
    """A node and all nodes below it, outermost first."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        below: list[object] = []
        for field in fields(node) if is_dataclass(node) else ():
            value = getattr(node, field.name)
            below += value if isinstance(value, tuple) else (value,)
        waiting += [each for each in reversed(below) if is_dataclass(each)]


def depth(node: object) -> int:
    """How many operands stand inside each other at most."""
    deepest = 0
    waiting = [(node, 1)]
    while waiting:
        node, level = waiting.pop()
        deepest = max(deepest, level)
        if isinstance(node, Operation | Both | Either):
            waiting += [(node.left, level + 1), (node.right, level + 1)]
        elif isinstance(node, VectorAggregation | LabelReplace):
            waiting.append((node.expr, level + 1))
        elif isinstance(node, RangeAggregation):
            waiting.append((node.range.query, level + 1))
        elif isinstance(node, LogQuery):
            waiting += [
                (stage.condition, level + 1) for stage in node.stages if isinstance(stage, LabelFilter)
            ]
    return deepest
