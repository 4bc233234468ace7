from __future__ import annotations

import pytest

from collectors.logs.logql.ast import Matcher
from collectors.logs.logql.parser import parse
from collectors.logs.logql.plan import Selection, plan

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("stages", "literals"),
    [
        ('|= "a" |~ "user=.*failed" != "b"', ("a", "user=", "failed")),
        ('|= "a" or "b"', ()),
        ('|= "" |~ "(?i)x"', ()),
        ('| json |= "a" | drop x |= "a"', ("a",)),
        ('|= "a" | line_format "{{.x}}" |= "b"', ("a",)),
        ('| decolorize |= "b"', ()),
        ('!~ "a"', ()),
    ],
)
def test_texts_that_each_wanted_line_holds(stages: str, literals: tuple[str, ...]) -> None:
    assert plan(parse(f'{{a="b"}} {stages}')).literals() == literals


def test_a_log_query_needs_its_own_time() -> None:
    planned = plan(parse('{a="b", c=~"d"}'))
    assert planned.selections == (Selection((Matcher("a", "=", "b"), Matcher("c", "=~", "d")), ()),)
    assert not planned.metric
    assert planned.span(10, 20) == (10, 20)


def test_a_metric_query_needs_its_windows() -> None:
    planned = plan(parse('sum(rate({a="b"} |= "x" |= "y" [5m] offset 1h)) / sum(rate({a="c"} |= "x" [10m]))'))
    assert planned.metric
    assert [(each.before // SECOND, each.after // SECOND) for each in planned.selections] == [
        (3900, 3600),
        (600, 0),
    ]
    assert planned.span(10_000 * SECOND, 20_000 * SECOND) == (6100 * SECOND + 1, 20_000 * SECOND)
    assert planned.literals() == ("x",)


def test_entries_behind_the_end_are_needed_for_a_negative_offset() -> None:
    assert plan(parse('rate({a="b"}[5s] offset -3s)')).span(10 * SECOND, 20 * SECOND) == (
        8 * SECOND + 1,
        23 * SECOND,
    )


def test_a_number_needs_nothing() -> None:
    assert plan(parse("vector(1)+vector(1)")).selections == ()
    assert plan(parse("1")).literals() == ()
