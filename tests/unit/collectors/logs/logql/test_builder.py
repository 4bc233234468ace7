from __future__ import annotations

import pytest

from collectors.logs.logql import ast
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.parser import parse


def condition(text: str) -> ast.LabelCondition:
    query = parse(f'{{a="b"}} | {text}')
    assert isinstance(query, ast.LogQuery)
    (stage,) = query.stages
    assert isinstance(stage, ast.LabelFilter)
    return stage.condition


def number(name: str) -> ast.NumberFilter:
    return ast.NumberFilter(name, ">", 1)


@pytest.mark.parametrize(
    ("text", "built"),
    [
        ("a>1 or b>1 and c>1", ast.Either(number("a"), ast.Both(number("b"), number("c")))),
        ("a>1 and b>1 or c>1", ast.Either(ast.Both(number("a"), number("b")), number("c"))),
        ("a>1 , b>1 or c>1", ast.Both(number("a"), ast.Either(number("b"), number("c")))),
        ("a>1 or b>1 , c>1", ast.Either(number("a"), ast.Both(number("b"), number("c")))),
        ("a>1 b>1 or c>1", ast.Both(number("a"), ast.Either(number("b"), number("c")))),
        ("(a>1 or b>1) and c>1", ast.Both(ast.Either(number("a"), number("b")), number("c"))),
        ("a > 1KB", ast.BytesFilter("a", ">", 1000)),
        ("a = 1s", ast.DurationFilter("a", "==", 1_000_000_000)),
        ("a != -1.5", ast.NumberFilter("a", "!=", -1.5)),
        ('a=~"x"', ast.Matcher("a", "=~", "x")),
    ],
)
def test_label_filters_bind_as_in_loki(text: str, built: ast.LabelCondition) -> None:
    assert condition(text) == built


@pytest.mark.parametrize(
    ("stage", "built"),
    [
        ('|= "a" or "b"', ast.LineFilter("|=", ("a", "b"))),
        ('!~ `\\d` or "b"', ast.LineFilter("!~", (r"\d", "b"))),
        ("| json", ast.JsonParser()),
        ('| json a, b="c.d[0]"', ast.JsonParser((ast.Extraction("a", "a"), ast.Extraction("b", "c.d[0]")))),
        ('| logfmt --strict --keep-empty a="b"', ast.LogfmtParser(True, True, (ast.Extraction("a", "b"),))),
        ('| regexp "(?P<x>.)"', ast.RegexpParser("(?P<x>.)")),
        ('| pattern "<x> "', ast.PatternParser("<x> ")),
        ('| line_format "{{.x}}"', ast.LineFormat("{{.x}}")),
        (
            '| label_format a=b, c="{{.d}}"',
            ast.LabelFormat((ast.LabelAssignment("a", "b", True), ast.LabelAssignment("c", "{{.d}}", False))),
        ),
        ('| drop a, b="c"', ast.Drop(("a", ast.Matcher("b", "=", "c")))),
        ('| keep a, b=~"c"', ast.Keep(("a", ast.Matcher("b", "=~", "c")))),
        ("| decolorize", ast.Decolorize()),
    ],
)
def test_stages(stage: str, built: ast.Stage) -> None:
    assert parse(f'{{a="b"}} {stage}') == ast.LogQuery((ast.Matcher("a", "=", "b"),), (built,))


A = ast.LogQuery((ast.Matcher("a", "=", "b"),))
MINUTE = 60_000_000_000


@pytest.mark.parametrize(
    ("text", "built"),
    [
        ('{a="b"}[1m]', ast.LogRange(A, MINUTE)),
        ('({a="b"})[1m] offset -1m', ast.LogRange(A, MINUTE, None, -MINUTE)),
        ('(({a="b"}[1m]))', ast.LogRange(A, MINUTE)),
        ('{a="b"}[1m] | json', ast.LogRange(ast.LogQuery(A.matchers, (ast.JsonParser(),)), MINUTE)),
    ],
)
def test_ranges_stand_in_many_places(text: str, built: ast.LogRange) -> None:
    assert parse(f"rate({text})") == ast.RangeAggregation("rate", built)


@pytest.mark.parametrize(
    "text",
    [
        '{a="b"} | unwrap bytes(x) | y="1" [1m] offset 1m',
        '({a="b"} | unwrap bytes(x) | y="1")[1m] offset 1m',
        '{a="b"}[1m] offset 1m | unwrap bytes(x) | y="1"',
    ],
)
def test_unwrap_stands_before_and_behind_the_range(text: str) -> None:
    unwrap = ast.Unwrap("x", "bytes", (ast.LabelFilter(ast.Matcher("y", "=", "1")),))
    assert parse(f"sum_over_time({text})") == ast.RangeAggregation(
        "sum_over_time", ast.LogRange(A, MINUTE, unwrap, MINUTE)
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2", 4),
        ("(1 + 2) * 3", 9),
        ("10 - 3 - 2", 5),
        ("2 > 1", 1),
        ("1 == bool 2", 0),
    ],
)
def test_numbers_are_reckoned_at_once(text: str, value: float) -> None:
    assert parse(text) == ast.Scalar(value)


def test_operations_bind_as_in_loki() -> None:
    one, two, three = ast.Vector(1), ast.Vector(2), ast.Vector(3)
    assert parse("vector(1) or vector(2) and vector(3)") == ast.Operation(
        "or", one, ast.Operation("and", two, three)
    )
    assert parse("vector(1) - vector(2) - vector(3)") == ast.Operation(
        "-", ast.Operation("-", one, two), three
    )
    matching = ast.Matching(True, True, ("x",), "left", ("y", "z"))
    assert parse("vector(1) > bool on (x) group_left (y, z) vector(2)") == ast.Operation(
        ">", one, two, matching
    )


def test_aggregations_take_their_grouping_before_and_behind() -> None:
    for text in ("sum by (a, b) (vector(1))", "sum(vector(1)) by (a, b)"):
        assert parse(text) == ast.VectorAggregation(
            "sum", ast.Vector(1), None, ast.Grouping(False, ("a", "b"))
        )
    for text in ("topk without (a) (2, vector(1))", "topk(2, vector(1)) without (a)"):
        assert parse(text) == ast.VectorAggregation("topk", ast.Vector(1), 2, ast.Grouping(True, ("a",)))


@pytest.mark.parametrize(
    ("query", "message", "column"),
    [
        ('{a=~"("}', "error parsing regexp", 5),
        ('{a="b"} |~ "("', "error parsing regexp", 12),
        ('{a="b"} | json x="a..b"', "cannot parse expression", 18),
        ('{a="b"} | regexp "x"', "at least one named capture", 18),
        ('{a="b"} | pattern "x"', "capture", 19),
        ('{a="b"} | line_format "{{.x | frob}}"', "function 'frob'", 23),
        ('{a="b"} | label_format a=b, a=c', "formatted twice", 29),
        ('{a="b"} | label_format __error__=b', "cannot be formatted", 24),
        ("sum(3, vector(1))", "unsupported parameter 3 for operation sum", 1),
        ("topk(vector(1))", "parameter required for operation topk", 1),
        ("1 + bottomk(1.2, vector(1))", "invalid parameter 1.2", 5),
        ("sort by (a) (vector(1))", "does not allow grouping", 1),
        ('quantile_over_time({a="b"} | unwrap x [1m])', "parameter required", 1),
        ('max_over_time(3, {a="b"} | unwrap x [1m])', "parameter 3 not supported", 1),
        ('sum_over_time({a="b"}[1m])', "without unwrap", 1),
        ('count_over_time({a="b"} | unwrap x [1m])', "with unwrap", 1),
        ('rate({a="b"}[1m]) by (x)', "grouping not allowed for rate", 1),
        ("vector(1) or 1", "unexpected literal for right leg", 11),
        ("1 unless vector(1)", "unexpected literal for left leg", 3),
        ("vector(1) + bool vector(2)", "bool is allowed on comparisons only", 13),
        ("vector(1) and on (a) group_left vector(2)", "no grouping is allowed for and", 11),
        ('label_replace(vector(1), "a", "b", "c", "(")', "error parsing regexp", 41),
        ('sum_over_time({a="b"}[1m] | unwrap x | json)', "unexpected json", 40),
    ],
)
def test_what_means_nothing_is_refused_at_its_place(query: str, message: str, column: int) -> None:
    with pytest.raises(LogQLError, match=message) as raised:
        parse(query)
    assert (raised.value.line, raised.value.column) == (1, column)
