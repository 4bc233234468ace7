"""Stages that make a line or labels anew: line_format, label_format, drop, keep, decolorize."""

from __future__ import annotations

import re
from collections.abc import Callable

from collectors.logs.logql import ast
from collectors.logs.logql.line import Line
from collectors.logs.logql.matchers import judge
from collectors.logs.logql.template import Scope, Template

ERROR = "TemplateFormatErr"
_COLOUR = re.compile(
    r"[\x1b\x9b](?:\][^\x07]*\x07|[\[()#;?]*(?:\d{1,4}(?:;\d{0,4})*)?[0-9A-PR-TZcf-nq-uy=><~])"
)


def line_format(stage: ast.LineFormat) -> Callable[[Line], bool]:
    """The line made from a template; a line on which it fails stays, and gets `__error__`."""
    template = Template(stage.template)

    def run(line: Line) -> bool:
        try:
            line.text = template.render(Scope(line.get, line.text, line.time))
        except ValueError as error:
            line.fail(ERROR, str(error))
        return True

    return run


def label_format(stage: ast.LabelFormat) -> Callable[[Line], bool]:
    """Labels named anew or made from templates, which all see the labels as the first of them found them."""
    steps = [
        (each.name, each.value, None if each.rename else Template(each.value)) for each in stage.assignments
    ]

    def run(line: Line) -> bool:
        seen: dict[str, str] | None = None
        for name, source, template in steps:
            if template is None:
                _rename(line, name, source)
                continue
            seen = line.labels() if seen is None else seen
            try:
                line.assign(name, template.render(_scope(seen, line)))
            except ValueError as error:
                line.fail(ERROR, str(error))
        return True

    return run


def _scope(labels: dict[str, str], line: Line) -> Scope:
    return Scope(lambda name: labels.get(name, ""), line.text, line.time)


def _rename(line: Line, name: str, source: str) -> None:
    value = line.find(source)
    if value is not None:
        line.assign(name, value)
        if name != source:
            line.remove(source)


def drop(stage: ast.Drop) -> Callable[[Line], bool]:
    """Labels taken away by name, or when their value matches."""
    rules = [_rule(label) for label in stage.labels]

    def run(line: Line) -> bool:
        for name, meets in rules:
            if not meets(line.get(name)):
                continue
            if name == "__error__":
                line.error = ""
            elif name == "__error_details__":
                line.details = ""
            else:
                line.remove(name)
        return True

    return run


def keep(stage: ast.Keep) -> Callable[[Line], bool]:
    """All other labels taken away; errors stay."""
    rules: dict[str, list[Callable[[str], bool]]] = {}
    for label in stage.labels:
        name, meets = _rule(label)
        rules.setdefault(name, []).append(meets)

    def run(line: Line) -> bool:
        for name in line.names():
            value = line.get(name)
            if not any(meets(value) for meets in rules.get(name, ())):
                line.remove(name)
        return True

    return run


def _rule(label: str | ast.Matcher) -> tuple[str, Callable[[str], bool]]:
    if isinstance(label, str):
        return label, lambda _: True
    return label.name, judge(label)


def decolorize(line: Line) -> bool:
    """The line without ANSI sequences."""
    if "\x1b" in line.text or "\x9b" in line.text:
        line.text = _COLOUR.sub("", line.text)
    return True
