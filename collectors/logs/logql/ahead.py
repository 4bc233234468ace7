"""What can be judged before a line is parsed, though the query says so behind a parser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile

from collectors.logs.logql import ast
from collectors.logs.logql.conditions import condition
from collectors.logs.logql.line import Line

_PARSERS = (ast.JsonParser, ast.LogfmtParser, ast.RegexpParser, ast.PatternParser)
_CHANGE_LINES = (ast.LineFormat, ast.Decolorize)


def split(stages: Sequence[ast.Stage]) -> tuple[list[ast.LineFilter], list[ast.Stage]]:
    """The filters that see the line as it is written, and all other stages, in order."""
    before = list(takewhile(lambda stage: not isinstance(stage, _CHANGE_LINES), stages))
    filters = [stage for stage in before if isinstance(stage, ast.LineFilter)]
    others = [stage for stage in before if not isinstance(stage, ast.LineFilter)]
    return filters, others + list(stages[len(before) :])


def label_filters(stages: Sequence[ast.Stage]) -> list[Callable[[Line], bool]]:
    """Conditions of filters that only parsers stand before. Each is met, too, when it has to wait: a parser never
    hides a label that the entry has, so only a condition on other labels needs one."""
    if not stages or not isinstance(stages[0], _PARSERS):
        return []
    reached = takewhile(lambda stage: isinstance(stage, (*_PARSERS, ast.LabelFilter)), stages)
    found = [stage.condition for stage in reached if isinstance(stage, ast.LabelFilter)]
    return [_unless_absent(node) for node in found if _texts_only(node)]


def _texts_only(node: ast.LabelCondition) -> bool:
    """Whether a condition compares texts alone, and so never fails."""
    return all(isinstance(part, ast.Matcher | ast.Both | ast.Either) for part in ast.parts(node))


def _unless_absent(node: ast.LabelCondition) -> Callable[[Line], bool]:
    names = frozenset(part.name for part in ast.parts(node) if isinstance(part, ast.Matcher))
    meets = condition(node)

    def judged(line: Line) -> bool:
        for name in names:
            if name not in line.metadata and name not in line.stream:
                return True
        return meets(line)

    return judged
