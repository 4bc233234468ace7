"""Every shape of a column becomes the same lines that a sample at a time would."""

from __future__ import annotations

import math

import pytest

from agent.exposition.columns import WIDTH, Columns, Deferred, Lines, Memory, Part, sample_lines
from collectors.metrics.catalogue import Family, Kind
from collectors.metrics.rows import Row, Value
from collectors.metrics.target import ROOT

PLAIN = Family(name="plain", kind=Kind.GAUGE, help="", collector="x")
OWN = Family(name="own", kind=Kind.GAUGE, help="", collector="x", labels=("d",))


def made(*values: list[Value]) -> Columns:
    return Columns([Row(f"/{at}", f'id="{at}"', row, 0.0) for at, row in enumerate(values)])


def text(columns: Columns, family: Family) -> str:
    return "".join(part.text() for part in columns.parts(family, next(columns.values)))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5], 'plain{id="0"} 1\nplain{id="1"} 2.5\n'),
        ([None, 2], 'plain{id="1"} 2\n'),
        ([None, None], ""),
        ([0, 0.0], 'plain{id="0"} 0\nplain{id="1"} 0.0\n'),
        ([math.nan, None], 'plain{id="0"} NaN\n'),
        ([math.inf, -math.inf], 'plain{id="0"} +Inf\nplain{id="1"} -Inf\n'),
        ([10**400, 0.5], f'plain{{id="0"}} {10**400}\nplain{{id="1"}} 0.5\n'),
    ],
)
def test_plain_columns(values: list[Value], expected: str) -> None:
    assert text(made(*[[value] for value in values]), PLAIN) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([((',d="a"', 1),), ((',d="a"', 2),)], 'own{id="0",d="a"} 1\nown{id="1",d="a"} 2\n'),
        ([None, ((',d="a"', 2),)], 'own{id="1",d="a"} 2\n'),
        ([(), ((',d="a"', 1), (',d="b"', 2))], 'own{id="1",d="a"} 1\nown{id="1",d="b"} 2\n'),
        ([None, ()], ""),
        (
            [((',d="a"', math.nan),), ((',d="a"', 10**400),)],
            f'own{{id="0",d="a"}} NaN\nown{{id="1",d="a"}} {10**400}\n',
        ),
    ],
)
def test_columns_with_labels_of_their_own(values: list[Value], expected: str) -> None:
    assert text(made(*[[value] for value in values]), OWN) == expected


def test_a_family_after_another_starts_afresh() -> None:
    columns = made([1, None], [2, 7])
    assert text(columns, PLAIN) == 'plain{id="0"} 1\nplain{id="1"} 2\n'
    assert text(columns, PLAIN) == 'plain{id="1"} 7\n'


def test_rows_that_are_too_short_lack_the_last_families() -> None:
    columns = made([1], [2, 7])
    assert text(columns, PLAIN).count("\n") == 2
    assert text(columns, PLAIN) == 'plain{id="1"} 7\n'


def test_many_rows_come_in_texts_of_about_the_width() -> None:
    columns = Columns([Row("/x", f'id="{at:05}"', [at], 0.0) for at in range(10_000)])
    texts = [part.text() for part in columns.parts(PLAIN, next(columns.values))]
    assert len(texts) > 3 and max(map(len, texts)) < 2 * WIDTH
    lines = "".join(texts).splitlines()
    assert lines == [f'plain{{id="{at:05}"}} {at}' for at in range(10_000)]


def known(memory: Memory, rows: list[Row]) -> list[bool]:
    columns = Columns(rows, memory)
    return [part.known() is not None for part in columns.parts(PLAIN, next(columns.values))]


def test_what_is_said_again_of_the_same_rows_is_known() -> None:
    memory = Memory()
    rows = [Row("/x", f'id="{at:05}"', [at], 0.0) for at in range(3000)]
    count = len(known(memory, rows))
    assert count > 2
    assert known(memory, rows) == [True] * count
    rows[0] = Row("/x", rows[0].labels, [7], 1.0)
    assert known(memory, rows) == [False] + [True] * (count - 1)
    rows[0] = Row("/x", 'id="00000",new=""', [7], 2.0)
    assert known(memory, rows) == [False] + [True] * (count - 1)
    rows.insert(0, Row("/w", 'id="0"', [7], 3.0))
    assert known(memory, rows) == [False] * count
    assert known(memory, rows) == [True] * count
    assert known(Memory(), rows) == [False] * count
    rows[0] = Row(ROOT, 'id="/"', [1], 0.0)
    known(memory, rows)
    rows[0] = Row(ROOT, 'id="/"', [2], 1.0)
    assert known(memory, rows) == [False] + [True] * count


def test_samples_given_one_by_one() -> None:
    assert "".join(map(str, sample_lines("m", [[('a="1"', 1), ("", 2.5)], [], [('a="2"', math.inf)]]))) == (
        'm{a="1"} 1\nm 2.5\nm{a="2"} +Inf\n'
    )
    many = "".join(map(str, sample_lines("m", [[(f'a="{at}"', at) for at in range(2000)]])))
    assert many.splitlines() == [f'm{{a="{at}"}} {at}' for at in range(2000)]


def test_lines_that_are_given_again_are_known() -> None:
    memory = Memory()

    def known(texts: list[str]) -> list[bool]:
        parts = sample_lines("m", [Lines(texts), [('a="1"', 1)]], memory)
        return [part.known() is not None for part in parts if isinstance(part, Part)]

    texts = [f'm{{b="{at}"}} 1\n' for at in range(300)]
    assert known(texts) == [False] * 3
    assert known(texts) == [True] * 3
    texts[299] = 'm{b="299"} 2\n'
    assert known(texts) == [True, True, False]
    assert known(texts[:5]) == [False]
    assert known(texts) == [False] * 3


def test_scrapes_may_overlap() -> None:
    memory = Memory()
    texts = [f'm{{b="{at}"}} 1\n' for at in range(300)]
    first = sample_lines("m", [Lines(texts)], memory)
    next(first), next(first)
    assert len(list(sample_lines("m", [Lines(texts[:5])], memory))) == 1
    assert len(list(first)) == 1


def test_lines_that_are_all_empty_are_no_part() -> None:
    assert list(sample_lines("m", [Lines(["", ""])])) == []


def test_deferred_samples_are_made_for_the_format_when_their_turn_comes() -> None:
    asked: list[bool] = []

    def make(openmetrics: bool) -> str:
        asked.append(openmetrics)
        return "m 1\n"

    lines = sample_lines("m", [Deferred([make, make])], openmetrics=True)
    assert asked == []
    assert next(lines) == "m 1\n"
    assert asked == [True]
    assert list(lines) == ["m 1\n"]
