"""The stages of a log query as one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from collectors.logs.logql import ahead, ast, formats, regex
from collectors.logs.logql.conditions import condition
from collectors.logs.logql.jsonstage import json_stage
from collectors.logs.logql.line import Entry, Line, label_name
from collectors.logs.logql.logfmt import logfmt_stage
from collectors.logs.logql.matchers import selector
from collectors.logs.logql.pattern import Pattern
from collectors.logs.logql.template import Template

Step: TypeAlias = Callable[[Line], bool]
_STREAMS_KEPT = 4096


class Pipeline:
    """Selector and stages of one log query. `wanted` are the labels that parsers need to extract; None is all."""

    def __init__(self, query: ast.LogQuery, wanted: frozenset[str] | None = None) -> None:
        filters, stages = ahead.split(query.stages)
        self._selects = selector(query.matchers)
        self._filters = [line_filter(stage) for stage in filters]
        self._steps = [*ahead.label_filters(stages), *map(_step, stages)]
        self._wanted = wanted
        self._chosen: dict[int, tuple[object, bool]] = {}
        self.changes_lines = any(isinstance(stage, ast.LineFormat | ast.Decolorize) for stage in query.stages)

    def run(self, entry: Entry) -> Line | None:
        """The line as the stages leave it, None when it is not wanted."""
        chosen = self._chosen.get(id(entry.labels))
        if not (chosen or self._choose(entry))[1]:
            return None
        text = entry.line
        for passes in self._filters:
            if not passes(text):
                return None
        line = Line(entry, self._wanted)
        for step in self._steps:
            if not step(line):
                return None
        return line

    def _choose(self, entry: Entry) -> tuple[object, bool]:
        """Whether a stream is wanted. Its labels are kept along, so that no other mapping gets their identity."""
        if len(self._chosen) >= _STREAMS_KEPT:
            self._chosen.clear()
        chosen = (entry.labels, self._selects(entry.labels))
        self._chosen[id(entry.labels)] = chosen
        return chosen


def line_filter(stage: ast.LineFilter) -> Callable[[str], bool]:
    """Whether a line passes."""
    tests = [regex.searcher(text) if "~" in stage.op else _holds(text) for text in stage.texts]
    first = tests[0]
    if stage.op[0] == "!":
        return lambda line: not any(test(line) for test in tests)
    return first if len(tests) == 1 else lambda line: any(test(line) for test in tests)


def _holds(text: str) -> Callable[[str], bool]:
    return lambda line: text in line


def needed(stages: tuple[ast.Stage, ...]) -> frozenset[str]:
    """The labels that stages look at."""
    names: set[str] = set()
    for node in ast.parts(stages and ast.LogQuery((), stages)):
        if isinstance(node, ast.Matcher | ast.NumberFilter | ast.DurationFilter | ast.BytesFilter):
            names.add(node.name)
        elif isinstance(node, ast.LineFormat):
            names |= Template(node.template).labels
        elif isinstance(node, ast.LabelAssignment):
            names |= {node.value} if node.rename else Template(node.value).labels
    return frozenset(names)


def _step(stage: ast.Stage) -> Step:
    match stage:
        case ast.LineFilter():
            passes = line_filter(stage)
            return lambda line: passes(line.text)
        case ast.LabelFilter():
            return condition(stage.condition)
        case ast.JsonParser():
            return json_stage(stage)
        case ast.LogfmtParser():
            return logfmt_stage(stage)
        case ast.RegexpParser():
            return _regexp(stage)
        case ast.PatternParser():
            return _pattern(stage)
        case ast.LineFormat():
            return formats.line_format(stage)
        case ast.LabelFormat():
            return formats.label_format(stage)
        case ast.Drop():
            return formats.drop(stage)
        case ast.Keep():
            return formats.keep(stage)
        case ast.Decolorize():
            return formats.decolorize


def _regexp(stage: ast.RegexpParser) -> Step:
    search = regex.compiled(stage.pattern).search
    names = regex.group_names(stage.pattern)

    def run(line: Line) -> bool:
        found = search(line.text.encode())
        if found is not None:
            for number, name in names.items():
                line.extract(label_name(name), (found.group(number) or b"").decode("utf-8", "replace"))
        return True

    return run


def _pattern(stage: ast.PatternParser) -> Step:
    captures = Pattern(stage.pattern).captures

    def run(line: Line) -> bool:
        for name, value in captures(line.text).items():
            line.extract(name, value)
        return True

    return run
