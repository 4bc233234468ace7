"""Go's text templates, as far as line_format and label_format need them.

Understood: text, `{{.label}}`, pipes and calls of the functions in collectors.logs.logql.functions, literals,
parentheses, `if`, `else if`, `else`, `end`, comments and the `{{-` and `-}}` that trim. A label that is absent
is ''. `__line__` is the line and `__timestamp__` its time in nanoseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from collectors.logs.logql.functions import FUNCTIONS
from collectors.logs.logql.strings import unquote
from collectors.logs.logql.values import MAX_TEXT, Value, text_of, truth

_MAX_DEPTH = 50
_ACTION = re.compile(r"\{\{(?:-(?=\s))?|\Z")
_WORD = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?P<number>[+-]?\d+(?:\.\d+)?(?![\w.]))
    |(?P<field>\.[A-Za-z_]\w*)|(?P<word>[A-Za-z_]\w*)|(?P<symbol>[|()]))""",
    re.VERBOSE | re.ASCII,
)
_CLOSE = re.compile(r"(?:\s-)?\}\}")
_UNKNOWN_ACTIONS = frozenset(("range", "with", "define", "template", "block", "break", "continue"))


class Scope(NamedTuple):
    """What a template can see: labels by name, the line, its time in ns."""

    label: Callable[[str], str]
    line: str
    time: int


Part: TypeAlias = Callable[[Scope], Value]


class Template:
    """Raises ValueError, naming what is not understood. `labels` are the labels that it may look at."""

    def __init__(self, text: str) -> None:
        self.labels: set[str] = set()
        reader = _Reader(text, self.labels)
        self._parts = reader.block(0)
        if reader.ended_by:
            raise ValueError(f"unexpected {{{{{reader.ended_by}}}}} in a template")

    def render(self, scope: Scope) -> str:
        """The text; raises ValueError when a function cannot work with what it got, or for too long a text."""
        text = _rendered(self._parts, scope)
        if len(text) > MAX_TEXT:
            raise ValueError(f"the result is longer than {MAX_TEXT} bytes")
        return text


def _rendered(parts: list[Part], scope: Scope) -> str:
    return "".join([text_of(part(scope)) for part in parts])


class _Reader:
    """Reads one template from left to right."""

    def __init__(self, text: str, labels: set[str]) -> None:
        self._text = text
        self._labels = labels
        self._place = 0
        self._trims = False
        self._ended = False
        self.ended_by = ""

    def block(self, depth: int) -> list[Part]:
        """What stands up to the template's end, or to an `else` or `end`, whose name is `ended_by` then."""
        if depth > _MAX_DEPTH:
            raise ValueError(f"a template nests deeper than {_MAX_DEPTH}")
        parts: list[Part] = []
        while True:
            parts += self._literal()
            if self._ended:
                self.ended_by = ""
                return parts
            word = self._action_word()
            if word in ("else", "end"):
                self.ended_by = word
                if word == "end":
                    self._close()
                return parts
            if word == "if":
                parts.append(self._condition(depth))
            elif word != "comment":
                parts.append(self._pipeline(depth))
                self._close()

    def _literal(self) -> Iterator[Part]:
        opening = _ACTION.search(self._text, self._place)
        assert opening is not None
        literal = self._text[self._place : opening.start()]
        if self._trims:
            literal = literal.lstrip()
        if opening[0] == "{{-":
            literal = literal.rstrip()
        self._place, self._ended = opening.end(), not opening[0]
        if literal:
            yield lambda _: literal

    def _action_word(self) -> str:
        """The keyword that an action begins with, if it does; it is read then."""
        comment = re.compile(r"\s*/\*.*?\*/", re.DOTALL).match(self._text, self._place)
        if comment:
            self._place = comment.end()
            self._close()
            return "comment"
        found = _WORD.match(self._text, self._place)
        word = found["word"] if found else None
        if word in _UNKNOWN_ACTIONS:
            raise ValueError(f"template action '{word}' is not understood")
        if found and word in ("if", "else", "end"):
            self._place = found.end()
            return word
        return ""

    def _close(self) -> None:
        found = _CLOSE.match(self._text, self._place) or re.compile(r"\s*\}\}").match(self._text, self._place)
        if not found:
            rest = self._text[self._place :].lstrip()[:20]
            raise ValueError(
                f"unexpected {rest!r} in a template" if rest else "unclosed action in a template"
            )
        self._trims = "-" in found[0]
        self._place = found.end()

    def _condition(self, depth: int) -> Part:
        test = self._pipeline(depth)
        self._close()
        chosen = self.block(depth + 1)
        other: list[Part] = []
        if self.ended_by == "else":
            if self._action_word() == "if":
                other = [self._condition(depth + 1)]
                return lambda scope: _rendered(chosen if truth(test(scope)) else other, scope)
            self._close()
            other = self.block(depth + 1)
        if self.ended_by != "end":
            raise ValueError("a template's {{if}} has no {{end}}")
        return lambda scope: _rendered(chosen if truth(test(scope)) else other, scope)

    def _pipeline(self, depth: int) -> Part:
        value = self._command(depth, None)
        while self._symbol("|"):
            value = self._command(depth, value)
        return value

    def _symbol(self, symbol: str) -> bool:
        found = _WORD.match(self._text, self._place)
        if found is None or found["symbol"] != symbol:
            return False
        self._place = found.end()
        return True

    def _command(self, depth: int, piped: Part | None) -> Part:
        """A call with its arguments, or one value alone."""
        found = _WORD.match(self._text, self._place)
        if found is None or found["word"] is None or found["word"] in ("true", "false"):
            value = self._argument(depth)
            if value is None or piped is not None:
                raise ValueError(
                    "a value is missing in a template" if value is None else "only functions can be piped to"
                )
            return value
        self._place = found.end()
        arguments: list[Part] = []
        while (argument := self._argument(depth)) is not None:
            arguments.append(argument)
        if piped is not None:
            arguments.append(piped)
        return _call(found["word"], arguments)

    def _argument(self, depth: int) -> Part | None:
        found = _WORD.match(self._text, self._place)
        if found is None or found["symbol"] in ("|", ")"):
            return None
        self._place = found.end()
        if found["symbol"] == "(":
            if depth > _MAX_DEPTH:
                raise ValueError(f"a template nests deeper than {_MAX_DEPTH}")
            value = self._pipeline(depth + 1)
            if not self._symbol(")"):
                raise ValueError("a template lacks a closing parenthesis")
            return value
        return self._plain(found)

    def _plain(self, found: re.Match[str]) -> Part:
        value: Value
        if found["field"]:
            name = found["field"][1:]
            self._labels.add(name)
            return lambda scope: scope.label(name)
        if found["string"]:
            value = unquote(found["string"])
        elif found["number"]:
            value = _number(found["number"])
        elif found["word"] in ("true", "false"):
            value = found["word"] == "true"
        else:
            return _call(found["word"], [])
        return lambda _: value


def _number(text: str) -> int | float:
    if "." in text:
        return float(text)
    if len(text) > 18:
        raise ValueError(f"the number {text[:20]} is too large for a template")
    return int(text)


def _call(name: str, arguments: list[Part]) -> Part:
    if name == "__line__" and not arguments:
        return lambda scope: scope.line
    if name == "__timestamp__" and not arguments:
        return lambda scope: scope.time
    function = FUNCTIONS.get(name)
    if function is None:
        raise ValueError(f"function '{name}' is not understood in a template")
    if not function.takes(len(arguments)):
        raise ValueError(f"wrong number of arguments for '{name}' in a template: {len(arguments)}")
    return lambda scope: function(*[argument(scope) for argument in arguments])
