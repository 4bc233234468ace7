"""A query as canonical text: it reads back as the same query."""

from __future__ import annotations

import math

from collectors.logs.logql import ast
from collectors.logs.logql.parser import parse
from collectors.logs.logql.quantities import number_text, span_text
from collectors.logs.logql.strings import quote, quote_pattern

_BINDING = {
    op: level
    for level, ops in enumerate(
        (("or",), ("and", "unless"), ("==", "!=", ">", ">=", "<", "<="), ("+", "-"), ("*", "/", "%"), ("^",))
    )
    for op in ops
}


def format_query(query: str) -> str:
    """The canonical text of a query; raises LogQLError."""
    return text_of(parse(query))


def text_of(node: ast.Query) -> str:
    """The canonical text of a query that was read."""
    match node:
        case ast.LogQuery():
            return " ".join((_selector(node.matchers), *map(_stage, node.stages)))
        case ast.RangeAggregation():
            parameter = "" if node.parameter is None else f"{_number(node.parameter)}, "
            return f"{node.op}({parameter}{_range(node.range)}){_grouping(node.grouping, ' ')}"
        case ast.VectorAggregation():
            parameter = "" if node.parameter is None else f"{node.parameter}, "
            by = _grouping(node.grouping, " ")
            return f"{node.op}{by}{' ' if by else ''}({parameter}{text_of(node.expr)})"
        case ast.LabelReplace():
            texts = (node.dst, node.replacement, node.src, node.pattern)
            return f"label_replace({text_of(node.expr)}, {', '.join(map(quote, texts))})"
        case ast.Vector():
            return f"vector({_number(node.value)})"
        case ast.Scalar():
            return _number(node.value)
        case ast.Operation():
            return _operation(node)


def _number(value: float) -> str:
    """A number that reads back as the same, also where LogQL has no word for it."""
    if math.isnan(value):
        return "(0 / 0)"
    return f"{'-' if value < 0 else ''}1e999" if math.isinf(value) else number_text(value)


def _operation(node: ast.Operation) -> str:
    level = _BINDING[node.op]
    right_first = node.op == "^"
    left = _operand(node.left, level + right_first)
    right = _operand(node.right, level + (not right_first))
    return " ".join(filter(None, (left, node.op, _matching(node.matching), right)))


def _operand(node: ast.Metric, level: int) -> str:
    """In parentheses when it binds less than its place demands."""
    text = text_of(node)
    return f"({text})" if isinstance(node, ast.Operation) and _BINDING[node.op] < level else text


def _matching(matching: ast.Matching) -> str:
    words = ["bool"] if matching.returns_bool else []
    if matching.on or matching.labels or matching.group:
        words.append(f"{'on' if matching.on else 'ignoring'} ({', '.join(matching.labels)})")
    if matching.group:
        words.append(f"group_{matching.group} ({', '.join(matching.include)})")
    return " ".join(words)


def _grouping(grouping: ast.Grouping | None, before: str) -> str:
    if grouping is None:
        return ""
    return f"{before}{'without' if grouping.without else 'by'} ({', '.join(grouping.labels)})"


def _range(node: ast.LogRange) -> str:
    unwrap = f" {_unwrap(node.unwrap)}" if node.unwrap else ""
    offset = f" offset {span_text(node.offset)}" if node.offset else ""
    return f"{text_of(node.query)}{unwrap} [{span_text(node.range)}]{offset}"


def _unwrap(node: ast.Unwrap) -> str:
    label = f"{node.conversion}({node.label})" if node.conversion else node.label
    return " ".join((f"| unwrap {label}", *map(_stage, node.filters)))


def _selector(matchers: tuple[ast.Matcher, ...]) -> str:
    return "{" + ", ".join(map(_matcher, matchers)) + "}"


def _matcher(matcher: ast.Matcher) -> str:
    written = quote_pattern if "~" in matcher.op else quote
    return f"{matcher.name}{matcher.op}{written(matcher.value)}"


def _stage(stage: ast.Stage) -> str:
    match stage:
        case ast.LineFilter():
            written = quote_pattern if "~" in stage.op else quote
            return f"{stage.op} {' or '.join(map(written, stage.texts))}"
        case ast.JsonParser():
            return f"| json{_extractions(stage.extractions)}"
        case ast.LogfmtParser():
            flags = " --strict" * stage.strict + " --keep-empty" * stage.keep_empty
            return f"| logfmt{flags}{_extractions(stage.extractions)}"
        case ast.RegexpParser():
            return f"| regexp {quote_pattern(stage.pattern)}"
        case ast.PatternParser():
            return f"| pattern {quote(stage.pattern)}"
        case ast.LabelFilter():
            return f"| {_condition(stage.condition)}"
        case ast.LineFormat():
            return f"| line_format {quote(stage.template)}"
        case ast.LabelFormat():
            parts = (
                f"{each.name}={each.value if each.rename else quote(each.value)}"
                for each in stage.assignments
            )
            return f"| label_format {', '.join(parts)}"
        case ast.Drop():
            return f"| drop {_named(stage.labels)}"
        case ast.Keep():
            return f"| keep {_named(stage.labels)}"
        case ast.Decolorize():
            return "| decolorize"


def _extractions(extractions: tuple[ast.Extraction, ...]) -> str:
    parts = (
        each.name if each.name == each.source else f"{each.name}={quote(each.source)}" for each in extractions
    )
    return " " + ", ".join(parts) if extractions else ""


def _named(labels: tuple[str | ast.Matcher, ...]) -> str:
    return ", ".join(label if isinstance(label, str) else _matcher(label) for label in labels)


def _condition(node: ast.LabelCondition) -> str:
    match node:
        case ast.Both():
            return f"{_joined(node.left, ast.Either)} and {_joined(node.right, ast.Either | ast.Both)}"
        case ast.Either():
            return f"{_condition(node.left)} or {_joined(node.right, ast.Either)}"
        case ast.Matcher():
            return _matcher(node)
        case ast.NumberFilter():
            return f"{node.name} {node.op} {_number(node.value)}"
        case ast.DurationFilter():
            return f"{node.name} {node.op} {span_text(node.value)}"
        case ast.BytesFilter():
            return f"{node.name} {node.op} {node.value}B"


def _joined(node: ast.LabelCondition, loose: object) -> str:
    text = _condition(node)
    return f"({text})" if isinstance(node, loose) else text  # type: ignore[arg-type]
