"""Who has more than an equal share gives way, and nobody else."""

from __future__ import annotations

import pytest

from agent.exposition.limit import SeriesLimit, fair_share
from collectors.metrics.catalogue import Family, Kind
from collectors.metrics.rows import Row, Value

FAMILIES = tuple(
    Family(name=name, kind=Kind.GAUGE, help="H.", collector="x", labels=labels)
    for name, labels in (("cpu", ()), ("memory", ()), ("net", ("interface",)), ("gpu", ()))
)


def row(name: str, *values: Value) -> Row:
    return Row(name, f'id="{name}"', list(values), 1.0)


def points(count: int) -> Value:
    return tuple((f',interface="e{number}"', 1) for number in range(count))


@pytest.mark.parametrize(
    ("counts", "limit", "share"),
    [([3, 3, 3], 9, 3), ([1, 1, 100], 12, 10), ([5, 5], 8, 4), ([2, 9, 9], 12, 5), ([], 5, 0), ([4], 0, 0)],
)
def test_what_some_do_not_need_is_shared_among_the_others(counts: list[int], limit: int, share: int) -> None:
    assert fair_share(counts, limit) == share
    assert sum(min(count, share) for count in counts) <= limit


def test_under_the_limit_nothing_changes() -> None:
    rows = [row("/a", 1, 2, points(3), None)]
    limit = SeriesLimit(5, FAMILIES)
    assert limit.within(rows) is rows and limit.dropped == 0


def test_one_container_with_many_interfaces_loses_them_and_others_keep_all() -> None:
    small, large = row("/small", 1, 2, points(2), 4), row("/large", 1, 2, points(500), 4)
    limit = SeriesLimit(20, FAMILIES)
    kept, cut = limit.within([small, large])
    assert kept is small
    assert cut.values == [1, 2, None, 4] and limit.dropped == 500
    assert len(large.values[2]) == 500, "the reading itself stays whole"  # type: ignore[arg-type]


def test_the_last_families_of_the_catalogue_go_first_for_all_alike() -> None:
    rows = [row(f"/{number}", 1, 2, None, 4) for number in range(10)]
    limit = SeriesLimit(20, FAMILIES)
    assert [one.values for one in limit.within(rows)] == [[1, 2, None, None]] * 10
    assert limit.dropped == 10


def test_a_container_more_or_less_does_not_make_families_come_and_go() -> None:
    limit = SeriesLimit(200, FAMILIES)

    def seen(count: int) -> int:
        cut = limit.within(
            [row("/big", 1, 2, points(60), 4), *(row(f"/{n}", 1, 2, None, 4) for n in range(count))]
        )
        return sum(value is not None for value in cut[0].values)

    assert seen(50) == 3  # 150 of the others, a share of 50: the interfaces go
    assert seen(47) == 3  # 59 would be left, less than a tenth more than needed: it stays as it was
    assert seen(30) == 4
