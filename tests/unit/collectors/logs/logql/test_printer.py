from __future__ import annotations

import pytest

from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.parser import parse
from collectors.logs.logql.printer import format_query, text_of

CANONICAL = [
    '{a="b", c!="d", e=~`\\d`, f!~"x"}',
    '{a="b"} |= "x" or "y" != "z" |~ `\\d+` !~ "q"',
    '{a="b"} | json | json x="a.b[0]", y',
    '{a="b"} | logfmt | logfmt --strict --keep-empty x="y"',
    '{a="b"} | regexp "(?P<x>.*)" | pattern "<x> <_>"',
    '{a="b"} | x="1" and y > 2 or z <= 3s',
    '{a="b"} | x="1" and (y > 2 or z == 1000B)',
    '{a="b"} | line_format "{{.x}}\\n" | label_format a=b, c="{{.d}}" | drop a, b="c" | keep d | decolorize',
    'rate({a="b"} |= "x" [5m] offset -1h)',
    'quantile_over_time(0.99, {a="b"} | json | unwrap duration(x) | __error__="" [1d]) by (y)',
    'sum_over_time({a="b"} | unwrap x [1m])',
    "topk by (x) (2, sum without () (vector(1)))",
    "(vector(1) + vector(2)) * vector(3)",
    "vector(1) - (vector(2) - vector(3)) - vector(4)",
    "vector(1) ^ vector(2) ^ vector(3)",
    "(vector(1) ^ vector(2)) ^ vector(3)",
    "vector(1) / ignoring (a) group_right (b) vector(2) > bool 0.5",
    "vector(1) / on () vector(2)",
    'label_replace(vector(1), "a", "$1", "b", "(.*)")',
    "1e999",
    "(0 / 0)",
    "-3.5",
    "vector(-1)",
]


@pytest.mark.parametrize("query", CANONICAL)
def test_canonical_text_stays(query: str) -> None:
    assert format_query(query) == query


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ('{ a = "b" , c="d"}|="x"', '{a="b", c="d"} |= "x"'),
        ('SUM(rate({a="b"}[60s])) by (x)', 'sum by (x) (rate({a="b"} [1m]))'),
        ('{a="b"} | x=`"`', '{a="b"} | x="\\""'),
        ('{a="b"} | x>1, y>2', '{a="b"} | x > 1 and y > 2'),
        ("1+1", "2"),
        ('rate({a="b"}[1m] | json)', 'rate({a="b"} | json [1m])'),
    ],
)
def test_what_is_written_otherwise_becomes_canonical(query: str, text: str) -> None:
    assert format_query(query) == text
    assert parse(text) == parse(query)
    assert text_of(parse(text)) == text


def test_what_cannot_be_read_cannot_be_formatted() -> None:
    with pytest.raises(LogQLError):
        format_query("{")
