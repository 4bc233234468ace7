"""One query of a LokiQuery, read and evaluated over the files."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.logs.logql import ast, logs
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.line import Entry
from collectors.logs.logql.metrics import (
    HIDDEN,
    Options,
    default_step,
    evaluate_instant,
    evaluate_range,
    steps_of,
)
from collectors.logs.logql.plan import plan
from collectors.logs.logql.results import Result
from collectors.logs.loki.entries import Scan, Tally, entries
from collectors.logs.loki.query import LokiQuery
from collectors.logs.loki.streams import chosen
from collectors.logs.segment import Budget

OPTIONS = Options(hidden=(*HIDDEN, "span_id"))


class Evaluator:
    """Evaluates what one LokiQuery asks of files. `tally` and `budget` count what was read; `skipped` gets the
    errors of containers that could not be."""

    def __init__(self, asked: LokiQuery, scratch: str, budget: Budget) -> None:
        self.asked = asked
        self.budget = budget
        self.tally = Tally()
        self.skipped: list[str] = []
        self._scratch = scratch

    @property
    def step(self) -> int:
        """Of a range query, in ns: as asked, else Loki's default."""
        return self.asked.step or default_step(self.asked.start, self.asked.end)

    def lines(self, query: ast.LogQuery, *, forward: bool) -> Iterator[logs.LogLine]:
        """The lines of `[start, end)` that a query wants, in the direction that is asked for."""
        last = max(self.asked.start, self.asked.end - 1)
        return logs.evaluate(query, self._entries(query, self.asked.start, last, forward=forward))

    def over_range(self, query: ast.Metric, options: Options = OPTIONS) -> Result:
        """A matrix; raises LogQLError."""
        asked = self.asked
        steps = steps_of(asked.start, asked.end, self.step)
        found = self._of_metric(query, steps.start, steps.end)
        return evaluate_range(query, found, asked.start, asked.end, self.step, options)

    def at_end(self, query: ast.Query, options: Options = OPTIONS) -> Result:
        """A vector or a scalar at the time `end`; raises LogQLError."""
        if isinstance(query, ast.LogQuery):
            raise LogQLError(
                "log queries are not supported as an instant query type, please change your query to a range"
                " query type"
            )
        end = self.asked.end
        return evaluate_instant(query, self._of_metric(query, end, end), end, options)

    def _of_metric(self, query: ast.Metric, start: int, end: int) -> Iterator[Entry]:
        since, until = plan(query).span(start, end)
        return self._entries(query, since, until, forward=True)

    def _entries(self, query: ast.Query, since: int, until: int, *, forward: bool) -> Iterator[Entry]:
        planned = plan(query)
        if not planned.selections:
            return iter(())
        targets = list(chosen(self.asked, [one.matchers for one in planned.selections], since))
        scan = Scan(since, until, forward, self._scratch, self.budget, self.asked.cuts, self.skipped)
        return entries(query, planned, targets, scan, self.tally)
