from __future__ import annotations

from collectors.logs.logql import ast
from collectors.logs.logql.parser import parse


def test_parts_are_all_nodes_outermost_first() -> None:
    query = parse('sum(rate({a="b"} |= "x" | c="d" [5m]))')
    kinds = [type(node).__name__ for node in ast.parts(query)]
    assert kinds == [
        "VectorAggregation",
        "RangeAggregation",
        "LogRange",
        "LogQuery",
        "Matcher",
        "LineFilter",
        "LabelFilter",
        "Matcher",
    ]


def test_depth_counts_what_stands_inside_each_other() -> None:
    assert ast.depth(parse("1")) == 1
    assert ast.depth(parse("vector(1) + vector(2) + vector(3)")) == 3
    assert ast.depth(parse('{a="b"} | c="1" and d="2"')) == 3
    assert ast.depth(parse('sum(sum(rate({a="b"}[1m])))')) == 4
