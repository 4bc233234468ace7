"""Label filters as functions of a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from collectors.logs.logql import ast, quantities
from collectors.logs.logql.arithmetic import COMPARISON
from collectors.logs.logql.line import Line
from collectors.logs.logql.matchers import judge

Condition: TypeAlias = Callable[[Line], bool]
ERROR = "LabelFilterErr"


def condition(node: ast.LabelCondition) -> Condition:
    """Whether a line meets a filter.

    A text is compared with '' when the label is absent; a number, a duration or a size is never met by an
    absent label, and a value that is none of it is kept and gets `__error__`.
    """
    if isinstance(node, ast.Both):
        first, second = condition(node.left), condition(node.right)
        return lambda line: first(line) and second(line)
    if isinstance(node, ast.Either):
        first, second = condition(node.left), condition(node.right)
        return lambda line: first(line) or second(line)
    if isinstance(node, ast.Matcher):
        meets, name = judge(node), node.name
        return lambda line: meets(line.get(name))
    if isinstance(node, ast.NumberFilter):
        return _compared(node.name, node.op, node.value, quantities.number)
    read = quantities.duration if isinstance(node, ast.DurationFilter) else quantities.size
    return _compared(node.name, node.op, node.value, read)


def _compared(name: str, op: ast.CompareOp, limit: float, read: Callable[[str], float]) -> Condition:
    holds = COMPARISON[op]

    def compared(line: Line) -> bool:
        value = line.find(name)
        if value is None:
            return False
        try:
            return holds(read(value), limit)
        except ValueError as error:
            if not line.error:
                line.fail(ERROR, str(error))
            return True

    return compared
