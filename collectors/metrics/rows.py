"""What one reading holds: a row of values per container, in catalogue order.

`Value` is a number, None for "the kernel does not offer it", or for a family with labels of its own a
tuple of (suffix, number) where the suffix is already rendered: `,device="/dev/vda"`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Number = int | float
Value = Number | None | tuple[tuple[str, Number], ...]


@dataclass(slots=True)
class Row:
    """Values of one container (or of the host, or of a pod) at one moment.

    `labels` are its base labels, rendered and escaped once, without braces: `id="/x",name="web",image=""`.
    `values[i]` belongs to `catalogue.ROW[i]`. `final` marks the last reading of a container that ended.
    """

    id: str
    labels: str
    values: list[Value]
    time: float
    final: bool = False


@dataclass(slots=True)
class Reading:
    """All rows of one pass over the host, and what the pass cost.

    `durations` are seconds per collector, `errors` counts of failed files per collector, `vanished` how
    many containers ended while they were read (their rows are left out).
    """

    time: float
    rows: Sequence[Row]
    durations: dict[str, float] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    vanished: int = 0
