"""Final rows stay for their time and no longer."""

from __future__ import annotations

from agent.exposition.finals import Finals
from collectors.metrics.rows import Row


def row(id: str, time: float, value: int = 1) -> Row:
    return Row(id=id, labels=f'id="{id}"', values=[value], time=time)


def test_a_row_is_kept_for_its_time_and_marked_final() -> None:
    finals = Finals(keep=120)
    finals.add(row("/a", 1000))
    (kept,) = finals.rows(1119.9)
    assert kept.id == "/a" and kept.final
    assert finals.rows(1120) == []
    assert len(finals) == 0


def test_the_row_given_is_left_as_it_was() -> None:
    finals, given = Finals(keep=120), row("/a", 1000)
    finals.add(given)
    assert not given.final


def test_the_last_run_of_a_container_counts() -> None:
    finals = Finals(keep=120)
    finals.add(row("/a", 1000, 1))
    finals.add(row("/b", 1001, 5))
    finals.add(row("/a", 1002, 2))
    assert [(kept.id, kept.values) for kept in finals.rows(1003)] == [("/b", [5]), ("/a", [2])]


def test_a_container_that_lives_again_hides_and_discards_its_final_row() -> None:
    finals = Finals(keep=120)
    finals.add(row("/a", 1000))
    assert finals.rows(1001, alive={"/a"}) == []
    assert len(finals.rows(1001)) == 1
    finals.discard("/a")
    assert finals.rows(1001) == []


def test_beyond_the_limit_the_oldest_goes_and_is_counted() -> None:
    finals = Finals(keep=120, limit=3)
    for number in range(5):
        finals.add(row(f"/{number}", 1000 + number))
    assert [kept.id for kept in finals.rows(1005)] == ["/2", "/3", "/4"]
    assert finals.dropped == 2
