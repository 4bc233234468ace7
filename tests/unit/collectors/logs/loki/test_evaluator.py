"""Queries evaluated over files."""

from __future__ import annotations

import pytest

from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.parser import parse
from tests.unit.collectors.logs.loki.asking import Asking

HOUR = 3600 * 10**9


def test_the_end_of_a_range_of_lines_is_not_in_it(asking: Asking) -> None:
    asking.log.numbers(3)
    last = asking.log.time
    assert asking.lines('{name="web"}', end=last) == ["number 1", "number 0"]
    assert asking.lines('{name="web"}', end=last + 1) == ["number 2", "number 1", "number 0"]
    assert asking.lines('{name="web"}', start=last) == ["number 2"]


def test_a_window_of_a_metric_begins_behind_its_first_time(asking: Asking) -> None:
    asking.log.numbers(10)  # a millisecond apart
    query = parse('count_over_time({name="web"}[3ms])')
    result = asking.evaluator("query", end=asking.log.time).at_end(query)
    assert [one["value"][1] for one in result.value] == ["3"]


def test_offsets_of_several_selectors_are_read(asking: Asking) -> None:
    asking.log.numbers(10)
    query = parse(
        'sum(count_over_time({name="web"} |= "9" [1ms])) + sum(count_over_time({name="web"}[2ms] offset 3ms))'
    )
    result = asking.evaluator("query", end=asking.log.time).at_end(query)
    assert [one["value"][1] for one in result.value] == ["3"]


def test_the_step_is_a_250th_of_the_range(asking: Asking) -> None:
    assert asking.evaluator("query_range").step == 28 * 10**9
    assert asking.evaluator("query_range", step=5).step == 5


def test_what_names_one_line_makes_no_series(asking: Asking) -> None:
    asking.log.write(*(f'{{"trace_id":"{n:032x}","span_id":"{n:016x}"}}' for n in range(1, 4)))
    result = asking.evaluator("query").at_end(parse('count_over_time({name="web"}[2h])'))
    assert [one["value"][1] for one in result.value] == ["3"]


def test_lines_have_no_instant(asking: Asking) -> None:
    with pytest.raises(LogQLError, match="not supported as an instant query"):
        asking.evaluator("query").at_end(parse('{name="web"}'))


def test_a_query_without_a_selector_reads_nothing(asking: Asking) -> None:
    evaluator = asking.evaluator("query")
    assert evaluator.at_end(parse("vector(1)+vector(1)")).value[0]["value"][1] == "2"
    assert (evaluator.budget.spent, evaluator.tally.lines) == (0, 0)
