"""Which containers somebody means: PromQL matchers for many, a name, an id or a path for one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import re2

from agent.exposition.escaping import label_name, valid
from collectors.model import Container, Entry, Role, State
from runtime.linux.errors import DeckwatchError

FIELDS = (
    "id", "engine_id", "name", "image", "engine", "namespace", "pod", "container", "workload", "state", "role",
    "owner",
)  # fmt: skip
"""Fields of a container that a matcher may name, beside `label_*`."""

SANDBOX = "POD"
"""What a pod's sandbox is called in `namespace/pod/container`."""

_LONGEST = 4096
_SHORTEST_PREFIX = 4
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OPERATOR = re.compile(r"=~|!~|!=|=")
_BARE = re.compile(r"[^\s,{}\"'`]+")
_QUOTED = re.compile(r""" "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*` """, re.VERBOSE | re.DOTALL)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}


class SelectorError(DeckwatchError):
    """A selector that cannot be read; the text names the position."""


class Ambiguous(DeckwatchError):
    """A reference that several containers answer to: `candidates` tells them apart."""

    def __init__(self, reference: str, candidates: Sequence[str]) -> None:
        shown = ", ".join(candidates[:8]) + (", …" if len(candidates) > 8 else "")
        super().__init__(f"{reference} could be any of {shown}; use one of these")
        self.candidates = list(candidates)


class NotFound(DeckwatchError):
    """A reference that no container answers to: `nearest` are names that look like it."""

    def __init__(self, reference: str, nearest: Sequence[str]) -> None:
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else "deckwatch ps -a lists all"
        super().__init__(f"no container {reference}; {hint}")
        self.nearest = list(nearest)


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition: `field` (a name of `FIELDS` or `label_x`), operator `=`, `!=`, `=~` or `!~`, value."""

    field: str
    operator: str
    value: str
    test: Callable[[str], bool]

    def matches(self, container: Container) -> bool:
        """Whether the container meets the condition; a field or label that it lacks is empty."""
        return self.test(_value(container, self.field))


@dataclass(frozen=True, slots=True)
class Selector:
    """Conditions that a container meets all of; with none it is every container."""

    matchers: tuple[Matcher, ...] = ()

    def matches(self, one: Container | Entry) -> bool:
        """Whether the container meets every condition."""
        container = one.container if isinstance(one, Entry) else one
        return all(matcher.matches(container) for matcher in self.matchers)

    def names(self, field: str) -> bool:
        """Whether a condition is about this field."""
        return any(matcher.field == field for matcher in self.matchers)

    def matches_identity(self, identity: Mapping[str, str]) -> bool:
        """The same for the short identity of an event or a record, where labels and state are unknown: empty."""
        return all(matcher.test(identity.get(matcher.field, "")) for matcher in self.matchers)


def _value(container: Container, field: str) -> str:
    if field.startswith("label_"):
        name = field.removeprefix("label_")
        labels = container.labels
        return labels[name] if name in labels else _by_spelling(labels, name)
    return str(getattr(container, field))


def _by_spelling(labels: dict[str, str], name: str) -> str:
    """The label whose name is spelled so on a series: `app_kubernetes_io_name` for `app.kubernetes.io/name`."""
    return next((value for label, value in labels.items() if label_name(label) == name), "")


def parse(text: str) -> Selector:
    """Read `{name="web",image=~"nginx.*",label_app!="x"}`; braces and quotes may be left out.

    Regular expressions are RE2 and match the whole value, as in PromQL. SelectorError names what is wrong
    and at which character.
    """
    if len(text) > _LONGEST:
        raise SelectorError(f"selector of {len(text)} characters; the longest allowed is {_LONGEST}")
    return Selector(_Parser(valid(text)).matchers())


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def matchers(self) -> tuple[Matcher, ...]:
        braces = self._taken("{")
        found: list[Matcher] = []
        while not self._ended() and not (braces and self._peek("}")):
            found.append(self._matcher())
            if not self._taken(","):
                break
        if braces and not self._taken("}"):
            raise self._error("expected , or }")
        if not self._ended():
            raise self._error("expected the end" if braces else "expected , or the end")
        return tuple(found)

    def _matcher(self) -> Matcher:
        start = self._at
        field = self._token(_NAME, "a field name")
        if field not in FIELDS and not (field.startswith("label_") and len(field) > len("label_")):
            self._at = start
            near = difflib.get_close_matches(field, FIELDS, 1)
            remedy = f"did you mean {near[0]}?" if near else f"use {', '.join(FIELDS)} or label_NAME"
            raise self._error(f"no field {field}; {remedy}")
        operator = self._token(_OPERATOR, "one of = != =~ !~")
        start = self._at
        value = self._value()
        try:
            return Matcher(field, operator, value, _test(operator, value))
        except re2.error as error:
            self._at = start
            raise self._error(f"cannot read the regular expression {value}: {_reason(error)}") from None

    def _value(self) -> str:
        self._spaces()
        quoted = _QUOTED.match(self._text, self._at)
        if quoted is None:
            return self._token(_BARE, "a value in quotes")
        self._at = quoted.end()
        text = quoted.group()
        return text[1:-1] if text[0] == "`" else _ESCAPE.sub(_unescaped, text[1:-1])

    def _token(self, pattern: re.Pattern[str], what: str) -> str:
        self._spaces()
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self._error(f"expected {what}")
        self._at = found.end()
        return found.group()

    def _spaces(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _peek(self, character: str) -> bool:
        self._spaces()
        return self._text.startswith(character, self._at)

    def _taken(self, character: str) -> bool:
        if not self._peek(character):
            return False
        self._at += 1
        return True

    def _ended(self) -> bool:
        self._spaces()
        return self._at >= len(self._text)

    def _error(self, what: str) -> SelectorError:
        self._spaces()
        return SelectorError(f"selector {self._text}: {what} at character {self._at + 1}")


def _unescaped(found: re.Match[str]) -> str:
    code = found.group(1)
    return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPES.get(code, found.group())


def _test(operator: str, value: str) -> Callable[[str], bool]:
    if operator == "=":
        return lambda actual: actual == value
    if operator == "!=":
        return lambda actual: actual != value
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    pattern: Any = re2.compile(value, options)
    if operator == "=~":
        return lambda actual: pattern.fullmatch(valid(actual)) is not None
    return lambda actual: pattern.fullmatch(valid(actual)) is None


def _reason(error: Exception) -> str:
    text = error.args[0] if error.args else error
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)


def resolve(reference: str, containers: Iterable[Container]) -> list[Container]:
    """The containers that a reference of the command line or a URL names: one, or all replicas of a workload.

    A reference is a name, an engine's id or a unique prefix of at least four characters of it, a workload,
    `namespace/pod/container` (`POD` is the sandbox), `namespace/pod` for the pod's own cgroup, or a cgroup path,
    which may be percent-encoded. Of several that had one name
    one after the other, the one that lives counts, else the last. Raises NotFound and Ambiguous.
    """
    everyone = list(containers)
    plain = unquote(reference)
    for rule in (_by_id, _by_kubernetes_name, _by_pod, _by_name, _by_workload, _by_engine_id):
        if found := rule(plain, everyone):
            return found
    raise NotFound(plain, difflib.get_close_matches(plain, sorted(_names(everyone)), 3))


def _by_id(reference: str, everyone: list[Container]) -> list[Container]:
    if not reference.startswith("/"):
        return []
    return _one(reference, [one for one in everyone if one.id == reference])


def _by_kubernetes_name(reference: str, everyone: list[Container]) -> list[Container]:
    parts = tuple(reference.split("/"))
    if len(parts) != 3 or not all(parts):
        return []
    namespace, pod, container = parts
    if container == SANDBOX:
        sandboxes = [one for one in everyone if one.role is Role.SANDBOX]
        return _one(reference, [one for one in sandboxes if (one.namespace, one.pod) == (namespace, pod)])
    return _one(reference, [one for one in everyone if (one.namespace, one.pod, one.container) == parts])


def _by_pod(reference: str, everyone: list[Container]) -> list[Container]:
    parts = tuple(reference.split("/"))
    if len(parts) != 2 or not all(parts):
        return []
    pods = [one for one in everyone if one.role is Role.POD]
    return _one(reference, [one for one in pods if (one.namespace, one.pod) == parts])


def _by_name(reference: str, everyone: list[Container]) -> list[Container]:
    return _one(reference, [one for one in everyone if one.name == reference])


def _by_workload(reference: str, everyone: list[Container]) -> list[Container]:
    replicas: dict[str, list[Container]] = {}
    for one in everyone:
        if reference and one.workload == reference:
            replicas.setdefault(one.name, []).append(one)
    return [_latest(replicas[name]) for name in sorted(replicas, key=_numbered)]


def _by_engine_id(reference: str, everyone: list[Container]) -> list[Container]:
    exact = [one for one in everyone if reference and one.engine_id == reference]
    if exact or len(reference) < _SHORTEST_PREFIX:
        return _one(reference, exact)
    found = [one for one in everyone if one.engine_id.startswith(reference)]
    if len({one.engine_id for one in found}) > 1:
        raise Ambiguous(reference, sorted({one.engine_id for one in found}))
    return _one(reference, found)


def _one(reference: str, found: list[Container]) -> list[Container]:
    """The one that is meant among containers that answer to the same reference."""
    living = [one for one in found if one.state not in (State.EXITED, State.REFUSED)] or found
    if len({one.engine for one in living}) > 1 or (len(living) > 1 and living is not found):
        raise Ambiguous(reference, sorted({one.id or one.engine_id for one in living}))
    return [_latest(living)] if living else []


def _latest(found: list[Container]) -> Container:
    return max(
        found,
        key=lambda one: (one.state not in (State.EXITED, State.REFUSED), one.started_at or 0.0, one.run),
    )


def _numbered(name: str) -> tuple[str, int, str]:
    """Sorts `web-10` behind `web-9`."""
    stem, _, number = name.rpartition("-")
    return (stem, int(number), name) if number.isdecimal() else (name, 0, name)


def _names(everyone: list[Container]) -> set[str]:
    return {name for one in everyone for name in (one.name, one.workload) if name}
