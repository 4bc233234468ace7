"""From what the grammar found to the words of collectors.logs.logql.ast; refuses what means nothing."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any, TypeAlias, TypeVar

from lark import Token, Transformer

from collectors.logs.logql import arithmetic, ast, jsonpath, quantities, regex
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.pattern import Pattern
from collectors.logs.logql.template import Template

# A rule's children, as the parser hands them over: tokens, built nodes, None for what was left out.
Children: TypeAlias = list[Any]
_T = TypeVar("_T")

_GROUPED = frozenset(
    f"{name}_over_time" for name in ("avg", "stddev", "stdvar", "quantile", "max", "min", "first", "last")
)
_UNWRAPPED = _GROUPED | {"sum_over_time", "rate", "rate_counter", "absent_over_time"}
_COUNTING = frozenset(("bytes_over_time", "bytes_rate", "count_over_time", "rate", "absent_over_time"))
_COMPARISONS = frozenset(("==", "!=", ">", ">=", "<", "<="))


def refused(message: str, token: Token) -> LogQLError:
    """An error at a token."""
    return LogQLError(message, token.line or 0, token.column or 0, str(token))


def _checked(read: Callable[[str], _T], token: Token) -> _T:
    try:
        return read(str(token))
    except ValueError as error:
        raise refused(str(error), token) from error


class Builder(Transformer[Token, Any]):
    """One method for each rule of the grammar, called as the rule is recognised."""

    start = staticmethod(operator.itemgetter(0))
    enclosed = staticmethod(operator.itemgetter(0))
    match_op = compare_op = line_op = filter_join = staticmethod(operator.itemgetter(0))
    or_op = and_op = comparison_op = add_op = mul_op = pow_op = match_word = group_word = match_op
    ranged_stage = unwrap_filter = offset = match_op

    def log_query(self, children: Children) -> ast.LogQuery:
        return ast.LogQuery(children[0], tuple(children[1:]))

    def selector(self, children: Children) -> tuple[ast.Matcher, ...]:
        return tuple(child for child in children if child is not None)

    def matcher(self, children: Children) -> ast.Matcher:
        name, op, value = children
        if "~" in op:
            _checked(regex.full_matcher, value)
        return ast.Matcher(str(name), op.value, str(value))

    def line_filter(self, children: Children) -> ast.LineFilter:
        op, *rest = children
        texts = [child for child in rest if child.type == "STRING"]
        if "~" in op:
            for text in texts:
                _checked(regex.searcher, text)
        return ast.LineFilter(op.value, tuple(map(str, texts)))

    def json(self, children: Children) -> ast.JsonParser:
        for name, source in children[0] or ():
            _checked(jsonpath.path, source if source is not None else name)
        return ast.JsonParser(_extractions(children[0]))

    def logfmt(self, children: Children) -> ast.LogfmtParser:
        *flags, extractions = children
        return ast.LogfmtParser("--strict" in flags, "--keep-empty" in flags, _extractions(extractions))

    def regexp(self, children: Children) -> ast.RegexpParser:
        names = _checked(regex.group_names, children[0])
        if not names:
            raise refused("at least one named capture must be supplied", children[0])
        return ast.RegexpParser(str(children[0]))

    def pattern(self, children: Children) -> ast.PatternParser:
        _checked(Pattern, children[0])
        return ast.PatternParser(str(children[0]))

    def filter(self, children: Children) -> ast.LabelFilter:
        return ast.LabelFilter(children[0])

    def line_format(self, children: Children) -> ast.LineFormat:
        _checked(Template, children[0])
        return ast.LineFormat(str(children[0]))

    def label_format(self, children: Children) -> ast.LabelFormat:
        seen: set[str] = set()
        for name, source in children:
            if name in seen:
                raise refused(f"label '{name}' is formatted twice in one stage", name)
            if name == "__error__":
                raise refused("__error__ cannot be formatted", name)
            seen.add(str(name))
            if source.type == "STRING":
                _checked(Template, source)
        return ast.LabelFormat(
            tuple(
                ast.LabelAssignment(str(name), str(source), source.type == "IDENTIFIER")
                for name, source in children
            )
        )

    def drop(self, children: Children) -> ast.Drop:
        return ast.Drop(tuple(children))

    def keep(self, children: Children) -> ast.Keep:
        return ast.Keep(tuple(children))

    def decolorize(self, children: Children) -> ast.Decolorize:
        return ast.Decolorize()

    def named(self, children: Children) -> str | ast.Matcher:
        (label,) = children
        return str(label) if isinstance(label, Token) else label

    def extractions(self, children: Children) -> Children:
        return children

    def extraction(self, children: Children) -> tuple[Token, Token | None]:
        return children[0], children[-1]

    def assignment(self, children: Children) -> tuple[Token, Token]:
        return children[0], children[-1]

    def label_filter(self, children: Children) -> ast.LabelCondition:
        return _joined(children)

    def number_filter(self, children: Children) -> ast.NumberFilter:
        name, op, value = children
        return ast.NumberFilter(str(name), _compare(op), value)

    def duration_filter(self, children: Children) -> ast.DurationFilter:
        name, op, value = children
        return ast.DurationFilter(str(name), _compare(op), int(value))

    def bytes_filter(self, children: Children) -> ast.BytesFilter:
        name, op, value = children
        return ast.BytesFilter(str(name), _compare(op), int(value))

    def number(self, children: Children) -> float:
        *sign, digits = children
        value = quantities.number(digits)
        return -value if "-" in sign else value

    def scalar(self, children: Children) -> ast.Scalar:
        return ast.Scalar(children[0])

    def vector(self, children: Children) -> ast.Vector:
        return ast.Vector(children[0])

    def labels(self, children: Children) -> tuple[str, ...]:
        return tuple(str(child) for child in children if child is not None)

    def grouping(self, children: Children) -> ast.Grouping:
        return ast.Grouping(children[0].type == "WITHOUT", children[1])

    def matching(self, children: Children) -> ast.Matching:
        word, labels, group, include = children
        sides: dict[str, ast.Side] = {"GROUP_LEFT": "left", "GROUP_RIGHT": "right"}
        side = sides[group.type] if group else ""
        return ast.Matching(False, word.type == "ON", labels, side, include or ())

    def modifier(self, children: Children) -> tuple[Token | None, ast.Matching]:
        returns_bool, matching = children
        return returns_bool, matching or ast.Matching()

    def operation(self, children: Children) -> ast.Metric:
        left, op, (returns_bool, matching), right = children
        name = op.value.lower()
        if returns_bool is not None:
            if name not in _COMPARISONS:
                raise refused(f"bool is allowed on comparisons only, not on {name}", returns_bool)
            matching = ast.Matching(True, matching.on, matching.labels, matching.group, matching.include)
        if name in ("and", "or", "unless"):
            self._refuse_scalars(op, left, right)
            if matching.group:
                raise refused(f"no grouping is allowed for {name}", op)
        if isinstance(left, ast.Scalar) and isinstance(right, ast.Scalar):
            return ast.Scalar(arithmetic.of_scalars(name, left.value, right.value))
        return ast.Operation(name, left, right, matching)

    def _refuse_scalars(self, op: Token, left: ast.Metric, right: ast.Metric) -> None:
        for side, operand in (("left", left), ("right", right)):
            if isinstance(operand, ast.Scalar):
                value = quantities.number_text(operand.value)
                raise refused(f"unexpected literal for {side} leg of set operation ({op}): {value}", op)

    def range_aggregation(self, children: Children) -> ast.RangeAggregation:
        op, parameter, log_range, grouping = children
        name = op.value.lower()
        unwrapped = log_range.unwrap is not None
        if name not in (_UNWRAPPED if unwrapped else _COUNTING):
            raise refused(f"invalid aggregation {name} {'with' if unwrapped else 'without'} unwrap", op)
        if grouping is not None and name not in _GROUPED:
            raise refused(f"grouping not allowed for {name} aggregation", op)
        if (parameter is None) == (name == "quantile_over_time"):
            what = "required" if parameter is None else f"{quantities.number_text(parameter)} not supported"
            raise refused(f"parameter {what} for operation {name}", op)
        return ast.RangeAggregation(name, log_range, parameter, grouping)

    def vector_aggregation(self, children: Children) -> ast.VectorAggregation:
        op, parameter, expr, grouping = children
        name = op.value.lower()
        counts = name in ("topk", "bottomk")
        if counts and parameter is None:
            raise refused(f"parameter required for operation {name}", op)
        if parameter is not None and (not counts or not parameter.is_integer() or abs(parameter) > 1e9):
            reason = "invalid" if counts else "unsupported"
            raise refused(f"{reason} parameter {quantities.number_text(parameter)} for operation {name}", op)
        if name in ("sort", "sort_desc") and grouping is not None:
            raise refused(f"{name} does not allow grouping", op)
        return ast.VectorAggregation(name, expr, None if parameter is None else int(parameter), grouping)

    def grouped_aggregation(self, children: Children) -> ast.VectorAggregation:
        op, grouping, parameter, expr = children
        return self.vector_aggregation([op, parameter, expr, grouping])

    def label_replace(self, children: Children) -> ast.LabelReplace:
        _, expr, dst, replacement, src, pattern = children
        _checked(regex.full_matcher, pattern)
        return ast.LabelReplace(expr, str(dst), str(replacement), str(src), str(pattern))

    def unwrap(self, children: Children) -> ast.Unwrap:
        first, *rest = children
        conversion: ast.Conversion = first.value.lower() if first.type == "CONVERSION" else ""
        label = rest.pop(0) if conversion else first
        return ast.Unwrap(str(label), conversion, tuple(ast.LabelFilter(each) for each in rest))

    def range_behind(self, children: Children) -> ast.LogRange:
        matchers, *stages, unwrap, length, offset = children
        return _log_range(matchers, stages, unwrap, length, offset)

    range_outside = range_behind

    def range_before(self, children: Children) -> ast.LogRange:
        matchers, length, offset, *stages = children
        unwrap = stages.pop() if isinstance(stages[-1], ast.Unwrap) else None
        if any(isinstance(stage, ast.Unwrap) for stage in stages):
            raise refused("nothing but label filters can stand behind unwrap", length)
        return _log_range(matchers, stages, unwrap, length, offset)


def _log_range(
    matchers: tuple[ast.Matcher, ...],
    stages: list[ast.Stage],
    unwrap: ast.Unwrap | None,
    length: Token,
    offset: Token | None,
) -> ast.LogRange:
    query = ast.LogQuery(matchers, tuple(stages))
    return ast.LogRange(query, int(length), unwrap, int(offset) if offset is not None else 0)


def _extractions(found: list[tuple[Token, Token | None]] | None) -> tuple[ast.Extraction, ...]:
    return tuple(
        ast.Extraction(str(name), str(name if source is None else source)) for name, source in found or ()
    )


def _compare(op: Token) -> ast.CompareOp:
    return "==" if op == "=" else op.value


def _joined(items: Children) -> ast.LabelCondition:
    """Conditions with what joins them. A comma, or nothing, joins with all that follows; `and` binds before `or`."""
    whole: ast.LabelCondition | None = None
    for segment in reversed(_segments(items)):
        if whole is not None:
            segment[-1] = ast.Both(segment[-1], whole)
        whole = _alternatives(segment)
    assert whole is not None
    return whole


def _segments(items: Children) -> list[Children]:
    """The parts between commas, and between conditions that nothing joins."""
    segments: list[Children] = [[]]
    for item in items:
        joins = isinstance(item, Token)
        if joins and item.type == "_COMMA":
            segments.append([])
        elif not joins and segments[-1] and not isinstance(segments[-1][-1], Token):
            segments.append([item])
        else:
            segments[-1].append(item)
    return segments


def _alternatives(segment: Children) -> ast.LabelCondition:
    alternatives: list[ast.LabelCondition] = [segment[0]]
    for join, condition in zip(segment[1::2], segment[2::2], strict=True):
        if join.type == "AND":
            alternatives[-1] = ast.Both(alternatives[-1], condition)
        else:
            alternatives.append(condition)
    return reduce(ast.Either, alternatives)
