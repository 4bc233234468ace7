"""Rows as columns of text: all samples of one family in one join.

A sample is three strings: the family's name, the container's labels, rendered once for all families, and the
value. No string is made per sample but that of its number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise, zip_longest
from typing import NamedTuple

from collectors.metrics.catalogue import Family
from collectors.metrics.rows import Number, Row, Value
from collectors.metrics.target import ROOT

WIDTH = 64 * 1024
"""About how many characters one text has."""


class Block(NamedTuple):
    """A text as it stands compressed in any stream, its CRC and size, and the CRC's shift by that size."""

    compressed: bytes
    crc: int
    size: int
    shift: int


@dataclass(slots=True)
class Known:
    """What an earlier scrape said of some rows in one family, and its compressed text once it was said twice."""

    values: tuple[object, ...]
    block: Block | None = None


class _Slice:
    """Rows whose samples of one family make one text: their labels, laid out for a join."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = labels
        self.known: dict[tuple[str, str], Known] = {}
        self.stems = ["{" + one for one in labels]
        self.heads = [stem + "} " for stem in self.stems]
        self._heads = _template(self.heads)
        self._stems = _template(self.stems)

    def lines(self, name: str, values: Sequence[Value]) -> str:
        """Samples of a family without labels of its own; absent values are left out."""
        try:
            texts = _texts(values)  # type: ignore[arg-type]
        except TypeError:  # some are absent
            present = [
                (head, value) for head, value in zip(self.heads, values, strict=True) if value is not None
            ]
            return _lines(name, [head for head, _ in present], [value for _, value in present])  # type: ignore[misc]
        return _filled(self._heads, name, len(self.heads), texts)

    def labelled(self, name: str, values: Sequence[Value]) -> str:
        """Samples of a family with labels of its own: each value is a tuple of (suffix, number)."""
        try:
            points = [point for (point,) in values]  # type: ignore[misc]
        except (TypeError, ValueError):  # not one each
            stems: list[str] = []
            points = []
            for stem, several in zip(self.stems, values, strict=True):
                if several:
                    stems += [stem] * len(several)  # type: ignore[arg-type]
                    points += several  # type: ignore[arg-type]
            return _filled(_template(stems), name, len(stems), _suffixed(points)) if stems else ""
        return _filled(self._stems, name, len(self.stems), _suffixed(points))


class Part:
    """Samples of one family, behind a `head`: a text that `make` makes when it is asked for.

    It says the same as long as its `values` do; `known` is where that is remembered.
    """

    __slots__ = ("_known", "_make", "_name", "_values", "head")

    def __init__(
        self,
        known: dict[tuple[str, str], Known],
        name: str,
        values: tuple[object, ...],
        make: Callable[[], str],
    ) -> None:
        self.head = ""
        self._known = known
        self._name = name
        self._values = values
        self._make = make

    def text(self) -> str:
        """Whole lines."""
        return self.head + self._make()

    def known(self) -> Known | None:
        """What an earlier scrape kept of it, as long as it says the same; else it is kept from now on."""
        key = (self._name, self.head)
        known = self._known.get(key)
        if known is not None and known.values == self._values:
            return known
        self._known[key] = Known(self._values)
        return None


@dataclass(slots=True)
class Memory:
    """What is remembered from one scrape to the next: slices, with what was said of their rows, and by family
    what stood beside the rows as lines."""

    slices: list[_Slice] = field(default_factory=list)
    lines: dict[str, list[dict[tuple[str, str], Known]]] = field(default_factory=dict)


class Columns:
    """Rows side by side: in slices as wide as a chunk, their values as columns.

    A slice of the same containers as in the scrape that `memory` is of is taken over with all that is known of it.
    """

    def __init__(self, rows: Sequence[Row], memory: Memory | None = None) -> None:
        # Neighbours that share a long prefix (containers of a pod) lie within the compressor's window.
        rows = sorted(rows, key=lambda row: row.labels)
        width = sum(len(row.labels) for row in rows) // max(1, len(rows)) + 64
        step = max(16, WIDTH // width)
        self.values: Iterator[tuple[Value, ...]] = zip_longest(*(row.values for row in rows))
        # The host's own row, the first of all, is another each time: it stands alone.
        alone = int(bool(rows) and rows[0].id == ROOT)
        starts = [*range(alone), *range(alone, len(rows), step), len(rows)]
        self._rows, self._bounds = rows, list(pairwise(starts))
        self._slices: list[_Slice] = []
        self._before: Sequence[_Slice] = ()
        if memory is not None:
            self._before, memory.slices = memory.slices, self._slices

    def parts(self, family: Family, values: tuple[Value, ...] | None) -> Iterator[Part]:
        """All samples of one family, a slice at a time; slices are made on the way through the first family."""
        if values is None or values.count(None) == len(values):
            return
        for number, (start, end) in enumerate(self._bounds):
            if number == len(self._slices):
                self._slices.append(self._slice(number, start, end))
            part = values[start:end]
            if any(part) if family.labels else part.count(None) < len(part):
                slice = self._slices[number]
                lines = slice.labelled if family.labels else slice.lines
                yield Part(slice.known, family.name, part, partial(lines, family.name, part))

    def _slice(self, number: int, start: int, end: int) -> _Slice:
        labels = [row.labels for row in self._rows[start:end]]
        if number < len(self._before) and self._before[number].labels == labels:
            return self._before[number]
        return _Slice(labels)


@dataclass(frozen=True, slots=True)
class Lines:
    """Samples of one family that are text already: each string some whole lines."""

    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Deferred:
    """Samples of one family that become text when their turn comes: each makes some whole lines, given whether they are
    for OpenMetrics."""

    makers: Sequence[Callable[[bool], str]]


Samples = Sequence[tuple[str, Number]] | Lines | Deferred
"""Samples given one by one, (labels without braces, value), as lines, or as what makes lines."""


def sample_lines(
    name: str, several: Iterable[Samples], memory: Memory | None = None, *, openmetrics: bool = False
) -> Iterator[str | Part]:
    """Samples that stand beside the rows, a few hundred at a time."""
    known = memory.lines.setdefault(name, []) if memory is not None else []
    count = 0
    for samples in several:
        if isinstance(samples, Deferred):
            yield from (make(openmetrics) for make in samples.makers)
            continue
        if isinstance(samples, Lines):
            for at in range(0, len(samples.texts), 128):
                texts = tuple(samples.texts[at : at + 128])
                if any(texts):
                    # Another scrape may have had fewer in between.
                    while count >= len(known):
                        known.append({})
                    yield Part(known[count], name, texts, partial("".join, texts))
                    count += 1
            continue
        for at in range(0, len(samples), 512):
            part = samples[at : at + 512]
            heads = [f"{{{labels}}} " if labels else " " for labels, _ in part]
            yield _lines(name, heads, [value for _, value in part])
    del known[count:]


def _lines(name: str, heads: Sequence[str], values: Sequence[Number]) -> str:
    return _filled(_template(heads), name, len(heads), _texts(values)) if heads else ""


def _template(heads: Sequence[str]) -> list[str]:
    """Places for name, head and value of each line, the heads filled in, and one for the last newline."""
    template = [""] * (3 * len(heads) + 1)
    template[1::3] = heads
    return template


def _filled(template: list[str], name: str, count: int, values: Iterable[str]) -> str:
    template[0::3] = [name, *["\n" + name] * (count - 1), "\n"]
    template[2::3] = values
    return "".join(template)


def _texts(values: Sequence[Number]) -> Iterable[str]:
    """The numbers as text: integers plain, floats in their shortest form. TypeError when one is None."""
    return map(repr if _finite(values) else _text, values)


def _suffixed(points: Sequence[tuple[str, Number]]) -> Iterable[str]:
    """Own labels, closing brace and number of each point."""
    if _finite([number for _, number in points]):
        return [f"{suffix}}} {number!r}" for suffix, number in points]
    return [f"{suffix}}} {_text(number)}" for suffix, number in points]


def _finite(values: Sequence[Number]) -> bool:
    """Whether all are finite; their sum is the quickest way to ask. TypeError when one is None."""
    try:
        total = sum(values)
    except OverflowError:
        return False
    return total - total == 0


def _text(value: Number) -> str:
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)
