"""A limit on series that is fair: who has more than an equal share gives way first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import replace
from operator import itemgetter

from collectors.metrics import catalogue
from collectors.metrics.catalogue import Family
from collectors.metrics.rows import Row, Value

# A share grows again only when this much more would fit: families must not come and go between two scrapes.
_SLACK = 1.1


class SeriesLimit:
    """Leaves out what is beyond `limit` series, `dropped` of them in the last scrape.

    Each container may have an equal share, and what some do not need is shared among the others (max-min
    fairness). Who has more loses whole families, so that no sum over one lies: those with most series first,
    such as one per interface, then the last ones of the catalogue, which begins with CPU and memory.
    """

    def __init__(self, limit: int, families: Sequence[Family] = catalogue.ROW) -> None:
        self.limit = limit
        self.dropped = 0
        self._width = len(families)
        self._labelled = _getter([index for index, family in enumerate(families) if family.labels])
        self._share = 0

    def within(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows, those with more than their share cut; the ones given stay as they are."""
        self.dropped = 0
        if sum([self._at_most(row.values) for row in rows]) <= self.limit:
            self._share = 0
            return rows
        counts = [_series(row.values) for row in rows]
        if sum(counts) <= self.limit:
            self._share = 0
            return rows
        share = self._steady(fair_share(counts, self.limit))
        cut = [
            _cut(row, count, share) if count > share else row for row, count in zip(rows, counts, strict=True)
        ]
        self.dropped = sum(counts) - sum(_series(row.values) for row in cut)
        return cut

    def _at_most(self, values: Sequence[Value]) -> int:
        """An upper bound of a row's series, quicker than their count."""
        if len(values) < self._width:
            return _series(values)
        points: Iterable[Sized] = filter(None, self._labelled(values))  # type: ignore[arg-type]
        return len(values) + sum(map(len, points))

    def _steady(self, share: int) -> int:
        if not self._share <= share < self._share * _SLACK:
            self._share = share
        return self._share


def fair_share(counts: Sequence[int], limit: int) -> int:
    """The largest share with which the counts, each cut to it, add up to no more than the limit."""
    left = limit
    for done, count in enumerate(sorted(counts)):
        share = left // (len(counts) - done)
        if count > share:
            return share
        left -= count
    return max(counts, default=0)


def _cut(row: Row, count: int, share: int) -> Row:
    """The row with no more series than the share."""
    values = list(row.values)
    sizes = [(len(value), index) for index, value in enumerate(values) if type(value) is tuple]
    plain = [
        (1, index) for index, value in enumerate(values) if value is not None and type(value) is not tuple
    ]
    for size, index in sorted(sizes, reverse=True) + plain[::-1]:
        if count <= share:
            break
        values[index] = None
        count -= size
    return replace(row, values=values)


def _getter(indexes: Sequence[int]) -> Callable[[Sequence[Value]], tuple[Value, ...]]:
    """As itemgetter, but a tuple also of one item and of none."""
    if len(indexes) > 1:
        return itemgetter(*indexes)
    return lambda values: tuple(values[index] for index in indexes)


def _series(values: Sequence[Value]) -> int:
    return sum([len(value) if type(value) is tuple else 1 for value in values if value is not None])
