"""A window that slides over one series, in amortised constant time for each step."""

from __future__ import annotations

from collections.abc import Callable

from collectors.logs.logql.aggregates import State


class Window:
    """Samples that belong to the same steps make up a pane. Old panes stand as a stack of suffix totals, new
    ones as panes and one total: so no pane is merged more than twice (the queue of two stacks)."""

    __slots__ = ("_empty", "_last", "_new", "_new_total", "_old", "_pane")

    def __init__(self, empty: Callable[[], State]) -> None:
        self._empty = empty
        self._old: list[tuple[int, State]] = []
        self._new: list[tuple[int, State]] = []
        self._new_total: State | None = None
        self._pane: tuple[int, State] | None = None
        self._last = -1

    def add(self, last: int, time: int, value: float) -> None:
        """Take a sample whose last step is `last`. One that comes late counts as long as those before it."""
        self._last = last = max(last, self._last)
        if self._pane is None or self._pane[0] != last:
            self._close()
            self._pane = (last, self._empty())
        self._pane[1].add(time, value)

    def at(self, step: int) -> State | None:
        """All that counts at a step, None for nothing; steps rise."""
        self._close()
        while self._old and self._old[-1][0] < step:
            self._old.pop()
        if not self._old:
            self._turn(step)
        if not self._old:
            return None
        oldest = self._old[-1][1]
        return oldest if self._new_total is None else oldest.merged(self._new_total)

    def _close(self) -> None:
        if self._pane is not None:
            self._new.append(self._pane)
            state = self._pane[1]
            self._new_total = state if self._new_total is None else self._new_total.merged(state)
            self._pane = None

    def _turn(self, step: int) -> None:
        """The new panes become old ones, each with the total of all behind it."""
        total: State | None = None
        for last, state in reversed(self._new):
            if last < step:
                break
            total = state if total is None else state.merged(total)
            self._old.append((last, total))
        self._new = []
        self._new_total = None
