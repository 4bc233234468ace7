"""The table that every measurement prints a row of."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """One measured row: ours and the reference in the same unit, the target for their ratio."""

    row: str
    what: str
    ours: float
    reference: float
    unit: str
    target: float
    reference_name: str
    note: str = ""

    def __str__(self) -> str:
        ratio = self.ours / self.reference if self.reference else float("nan")
        verdict = "met" if ratio <= self.target else "MISSED"
        note = f"  ({self.note})" if self.note else ""
        return (
            f"{self.row:>4}  {self.what:<58} {self.ours:>10.3f} {self.unit:<5} "
            f"vs {self.reference:>10.3f} {self.reference_name:<34} ratio {ratio:>6.3f}  "
            f"target ≤ {self.target:g}  {verdict}{note}"
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that this machine cannot measure, and why."""

    row: str
    what: str
    reason: str

    def __str__(self) -> str:
        return f"{self.row:>4}  {self.what:<58} left out: {self.reason}"


def median(measure: Callable[[], float], runs: int = 5) -> float:
    """Median of at least five runs, after one that is not counted."""
    measure()
    return statistics.median(measure() for _ in range(runs))
