"""What a scan has to read for a query: which streams, from when to when, and texts to search files for."""

from __future__ import annotations

from typing import NamedTuple

from collectors.logs import literals
from collectors.logs.logql import ast


class Selection(NamedTuple):
    """One selector of a query. Each line that it wants holds all `literals`; none are known when it is empty.
    Its entries are those of `(t - before, t - after]` for each evaluation time t, in ns."""

    matchers: tuple[ast.Matcher, ...]
    literals: tuple[str, ...]
    before: int = 0
    after: int = 0


class Plan(NamedTuple):
    """All selectors of a query; none for `vector(1)`. `metric` tells a metric query from a log query."""

    selections: tuple[Selection, ...]
    metric: bool

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The times of the entries that an evaluation from `start` to `end` needs, both inclusive, in ns."""
        if not self.metric or not self.selections:
            return start, end
        before = max(selection.before for selection in self.selections)
        after = min(selection.after for selection in self.selections)
        return start - before + 1, end - after

    def literals(self) -> tuple[str, ...]:
        """The texts that each line holds which any of the selectors wants."""
        if not self.selections:
            return ()
        first, *others = self.selections
        return tuple(text for text in first.literals if all(text in other.literals for other in others))


def plan(query: ast.Query) -> Plan:
    """The plan of a query."""
    if isinstance(query, ast.LogQuery):
        return Plan((Selection(query.matchers, _literals(query)),), metric=False)
    return Plan(
        tuple(
            Selection(node.query.matchers, _literals(node.query), node.range + node.offset, node.offset)
            for node in ast.parts(query)
            if isinstance(node, ast.LogRange)
        ),
        metric=True,
    )


def _literals(query: ast.LogQuery) -> tuple[str, ...]:
    """From the filters before a stage changes the line. An alternative of texts gives none."""
    found: list[str] = []
    for stage in query.stages:
        if isinstance(stage, ast.LineFormat | ast.Decolorize):
            break
        if not isinstance(stage, ast.LineFilter) or len(stage.texts) > 1:
            continue
        if stage.op == "|=" and stage.texts[0]:
            found.append(stage.texts[0])
        elif stage.op == "|~":
            found += literals.required(stage.texts[0])
    return tuple(dict.fromkeys(found))
