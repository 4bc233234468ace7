from __future__ import annotations

import random
import time

import pytest

from collectors.logs.logql import ast
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.parser import parse
from collectors.logs.logql.printer import text_of


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "parse error at line 1, col 1: syntax error: unexpected $end"),
        ("unk({})", "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER"),
        ('{a="b"', "parse error at line 1, col 7: syntax error: unexpected $end, expecting , or }"),
        (
            '{a="b" c="d"}',
            "parse error at line 1, col 8: syntax error: unexpected IDENTIFIER, expecting , or }",
        ),
        (
            '{a="b"}\n|= x',
            "parse error at line 2, col 4: syntax error: unexpected IDENTIFIER, expecting STRING",
        ),
        ('{a="b"} |= "x" |', "parse error at line 1, col 17: syntax error: unexpected $end"),
        ("rate({a='b'}[1m])", 'parse error at line 1, col 9: unexpected character "\'"'),
        (
            '{json="b"}',
            "parse error at line 1, col 2: syntax error: unexpected json, expecting IDENTIFIER or }",
        ),
        ('rate({a="b"}[1m]', "parse error at line 1, col 17: syntax error: unexpected $end"),
        ('{a="b"} + 1', "parse error at line 1, col 9: syntax error: unexpected +"),
        ('sum({a="b"})', "parse error at line 1, col 5: syntax error: unexpected {"),
        ('{a="b"} | unpack', "parse error at line 1, col 11: unpack is not understood; use json"),
        (
            '{a="b"} | x=ip("1.2.3.4")',
            "parse error at line 1, col 13: ip() is not understood; use a regular expression",
        ),
        (
            '{a="b"} |> "<_>"',
            "parse error at line 1, col 9: pattern filters are not understood; use |~ with a regular expression",
        ),
        (
            "approx_topk(1, vector(1))",
            "parse error at line 1, col 1: approx_topk is not understood; use topk",
        ),
    ],
)
def test_an_error_names_token_and_place(query: str, text: str) -> None:
    with pytest.raises(LogQLError) as raised:
        parse(query)
    assert str(raised.value).startswith(text)


@pytest.mark.parametrize(
    "query", ["{}", '{a=""}', '{a=~".*"}', '{a!="x"}', '{a!~"x"}', 'sum(rate({a=~"x|"}[1m]))']
)
def test_a_selector_has_to_select(query: str) -> None:
    with pytest.raises(LogQLError, match="at least one matcher"):
        parse(query)


def test_a_token_tells_what_it_was() -> None:
    with pytest.raises(LogQLError) as raised:
        parse('{a="b"} | json | drop ,')
    assert (raised.value.token, raised.value.column) == (",", 23)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("(" * 50_000, "nest deeper than 100"),
        ("sum(" * 150 + "vector(1)" + ")" * 150, "deeper than 100"),
        (" + ".join(["vector(1)"] * 200), "nests deeper than 100"),
        ('{a="b"} | ' + " or ".join(["x>1"] * 200), "nests deeper than 100"),
        ('{a="b"} | ' + ", ".join(["x>1"] * 400), "nests deeper than 100"),
        ('{a="b"} ' + '|~ "x+" ' * 101, "more than 100 regular expressions"),
        ("1" + "+1" * 3000, "more than 2000 words"),
        ('{a="' + "x" * 200_000 + '"}', "longer than 131072"),
        ('{a="b"} | line_format "' + "{{if .x}}" * 200 + '"', "nests deeper"),
        ('{a="b"} | line_format `{{' + "(" * 200 + "`", "nests deeper"),
        ('{a=~"((a{100}){100}){100}"}', "error parsing regexp"),
        ('{a="\ud800"}', "invalid UTF-8"),
    ],
)
def test_hostile_queries_are_refused_at_once(query: str, message: str) -> None:
    began = time.process_time()
    with pytest.raises(LogQLError, match=message):
        parse(query)
    assert time.process_time() - began < 2


def test_a_long_query_is_read() -> None:
    names = "|".join(f"pod-{number:05}" for number in range(8000))
    query = parse(f'{{pod=~"{names}"}} |= "x"')
    assert isinstance(query, ast.LogQuery)
    assert query.matchers[0].value == names
    assert parse("1" + "+1" * 900) == ast.Scalar(901)


def test_comments_and_newlines_are_space() -> None:
    assert parse('{a="b"} # the streams\n  |= "#no" # the lines\n') == parse('{a="b"} |= "#no"')


def test_words_are_the_same_in_capitals() -> None:
    assert parse('SUM BY (x) (RATE({a="b"} | JSON [1m]))') == parse('sum by (x) (rate({a="b"} | json [1m]))')


@pytest.mark.parametrize("seed", range(300))
def test_whatever_stands_there_is_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    pieces = [
        '{a="b"}',
        "rate(",
        "sum",
        " by (x)",
        "(",
        ")",
        "[5m]",
        " | json",
        " |= ",
        '"x"',
        "`y`",
        " or ",
        " and ",
        "1",
        "5m",
        "1KB",
        " + ",
        " > bool ",
        " on (z) ",
        "group_left",
        "offset 1h",
        "| unwrap x",
        "| x > 1",
        ",",
        "{",
        "}",
        "vector(1)",
        "| drop a",
        "=",
        "#c\n",
        "é",
        "'",
        "| line_format `{{.x",
        "topk(1, ",
        "quantile_over_time(0.5, ",
    ]
    for _ in range(20):
        query = "".join(chance.choices(pieces, k=chance.randrange(1, 12)))
        try:
            parsed = parse(query)
        except LogQLError as error:
            assert error.line >= 1 and error.column >= 1, query
        else:
            assert parse(text_of(parsed)) == parsed
