"""A tree of values as typed structs: every unknown key and wrong value is reported, not only the first."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import os
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from agent.config.file import Problem, Tree
from agent.config.types import Internal, Unit, Variants
from agent.units import parse_duration, parse_size

BAD: Any = object()


class Decoder:
    """Turns trees into values. What is wrong goes to `problems`, and a default stands in for it, so that
    one look finds everything; a value without default is then `BAD`."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems

    def decode(self, tree: Tree, hint: Any, key: str) -> Any:
        """The value of a tree as the type `hint`, or BAD."""
        if tree.broken:
            return BAD
        if is_struct(hint):
            return self._struct(tree, hint, key)
        origin = get_origin(hint)
        if origin is Annotated:
            return self._annotated(tree, hint, key)
        if origin in (Union, types.UnionType):
            return self._union(tree, get_args(hint), key)
        if origin in (list, tuple):
            return self._items(tree, origin, get_args(hint)[0], key)
        if origin is dict:
            return self._mapping(tree, get_args(hint)[1], key)
        return self._leaf(tree, hint, key)

    def _fail(self, tree: Tree, key: str, message: str) -> Any:
        self._problems.append(tree.problem(key, message))
        return BAD

    def _struct(self, tree: Tree, hint: type[msgspec.Struct], key: str) -> Any:
        if tree.value is None:
            tree = Tree({}, tree.file, tree.line)  # a section whose keys are all commented out
        if not isinstance(tree.value, dict):
            return self._fail(
                tree, key, f"expected a mapping of {_names(field_hints(hint))}, got {_kind(tree)}"
            )
        hints = field_hints(hint)
        values: dict[str, Any] = {}
        for name, item in tree.value.items():
            path = f"{key}.{name}".lstrip(".")
            if name not in hints:
                self._unknown(tree, name, path, hints)
            else:
                values[name] = self.decode(item, hints[name], path)
        missing = [name for name in required_fields(hint) if name not in values]
        for name in missing:
            self._fail(tree, f"{key}.{name}".lstrip("."), "is missing")
        if missing or any(values[name] is BAD for name in required_fields(hint)):
            return BAD
        try:
            return hint(**{name: value for name, value in values.items() if value is not BAD})
        except (ValueError, TypeError) as error:
            return self._fail(tree, key, str(error))

    def _unknown(self, tree: Tree, name: str, path: str, known: dict[str, Any]) -> None:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        line = tree.key_lines.get(name, tree.line)
        message = "unknown key" if near else f"unknown key; here go {_names(known)}"
        self._problems.append(Problem(tree.file, line, path, message, near[0] if near else ""))

    def _items(self, tree: Tree, container: type, hint: Any, key: str) -> Any:
        if tree.value is None:
            return container()
        if not isinstance(tree.value, list):
            return self._fail(tree, key, f"expected a list, got {_kind(tree)}")
        items = [self.decode(item, hint, f"{key}[{index}]") for index, item in enumerate(tree.value)]
        return container(item for item in items if item is not BAD)

    def _mapping(self, tree: Tree, hint: Any, key: str) -> Any:
        if tree.value is None:
            return {}
        if not isinstance(tree.value, dict):
            return self._fail(tree, key, f"expected a mapping, got {_kind(tree)}")
        values = {name: self.decode(item, hint, f"{key}.{name}") for name, item in tree.value.items()}
        return {name: value for name, value in values.items() if value is not BAD}

    def _annotated(self, tree: Tree, hint: Any, key: str) -> Any:
        base, *marks = get_args(hint)
        for mark in marks:
            if isinstance(mark, Variants):
                return self._variant(tree, mark.kinds(), key)
        unit = next((mark.kind for mark in marks if isinstance(mark, Unit)), "")
        if unit in ("duration", "size"):
            try:
                return (parse_duration if unit == "duration" else parse_size)(tree.value)  # type: ignore[arg-type]
            except ValueError as error:
                return self._fail(tree, key, str(error))
        value = self._leaf(tree, hint if not unit else base, key)
        if unit == "path" and isinstance(value, str) and value:
            return absolute(value, tree.file)
        return value

    def _variant(self, tree: Tree, kinds: Mapping[str, type[msgspec.Struct]], key: str) -> Any:
        """The struct that the key `type` asks for, from the other keys."""
        if not isinstance(tree.value, dict) or "type" not in tree.value:
            return self._fail(tree, key, f"expected a mapping with the key type: {_names(dict(kinds))}")
        kind = tree.value["type"]
        if kind.text not in kinds:
            near = difflib.get_close_matches(kind.text, kinds, n=1, cutoff=0.5)
            message = f"no such type {kind.text!r}; there are {_names(dict(kinds))}"
            self._problems.append(kind.problem(f"{key}.type", message, near[0] if near else ""))
            return BAD
        others = {name: item for name, item in tree.value.items() if name != "type"}
        return self._struct(dataclasses.replace(tree, value=others), kinds[kind.text], key)

    def _union(self, tree: Tree, members: tuple[Any, ...], key: str) -> Any:
        if tree.value is None and type(None) in members:
            return None
        members = tuple(member for member in members if member is not type(None))
        if len(members) == 1:
            return self.decode(tree, members[0], key)
        for member in members:
            trial: list[Problem] = []
            value = Decoder(trial).decode(tree, member, key)
            if not trial and not (member is str and not isinstance(tree.value, str)):
                return value
        if str in members and not isinstance(tree.value, dict | list | None):
            return tree.text
        return self._fail(tree, key, f"expected {describe(Union[members])}, got {_kind(tree)}")  # noqa: UP007

    def _leaf(self, tree: Tree, hint: Any, key: str) -> Any:
        if hint is Any:
            return tree.plain()
        wants_text = hint is str or (get_origin(hint) is Annotated and get_args(hint)[0] is str)
        scalar = isinstance(tree.value, str | int | float)
        value = tree.text if wants_text and scalar else tree.plain()
        try:
            return msgspec.convert(value, hint)
        except (msgspec.ValidationError, TypeError):
            return self._fail(tree, key, f"expected {describe(hint)}, got {_kind(tree)}")


def absolute(path: str, file: str) -> str:
    """A path of the configuration: relative ones count from the directory of the file they stand in."""
    path = os.path.expanduser(path)
    base = os.getcwd() if file.startswith("--set") or not file else os.path.dirname(os.path.abspath(file))
    return os.path.normpath(os.path.join(base, path))


def is_struct(hint: Any) -> bool:
    """Whether a type is a struct with named fields."""
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


@functools.cache
def field_hints(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The keys of a struct and their types, without those that the loader fills in."""
    hints = typing.get_type_hints(struct, include_extras=True)
    return {
        name: hints[name]
        for name in struct.__struct_fields__
        if not any(isinstance(mark, Internal) for mark in getattr(hints[name], "__metadata__", ()))
    }


@functools.cache
def required_fields(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    """The keys of a struct that have no default."""
    return tuple(one.name for one in msgspec.structs.fields(struct) if one.required)


def describe(hint: Any) -> str:
    """A type in words: `true, false or "auto"`, `a size like 64Mi`, `a number of at least 1`."""
    simple = {
        str: "text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        type(None): "null",
    }
    if hint in simple:
        return simple[hint]
    if is_struct(hint) or get_origin(hint) is dict:
        return "a mapping"
    if get_origin(hint) in (list, tuple):
        return f"a list of {describe(get_args(hint)[0])}"
    if get_origin(hint) is Literal:
        return _or([str(value) for value in get_args(hint)])
    if get_origin(hint) in (Union, types.UnionType):
        return _or(_alternatives(get_args(hint)))
    if get_origin(hint) is Annotated:
        return _describe_annotated(get_args(hint)[0], get_args(hint)[1:])
    return "a value"


def _alternatives(members: tuple[Any, ...]) -> list[str]:
    words: list[str] = []
    for member in members:
        if member is bool:
            words += ["true", "false"]
        elif get_origin(member) is Literal:
            words += [str(value) for value in get_args(member)]
        else:
            words.append(describe(member))
    if any(word.startswith(("a size", "a duration")) for word in words):
        words = [word for word in words if not word.startswith("a whole number")]
    return list(dict.fromkeys(words))


def _describe_annotated(base: Any, marks: tuple[Any, ...]) -> str:
    for mark in marks:
        if isinstance(mark, Variants):
            return f"a mapping with the key type: {_names(dict(mark.kinds()))}"
        if isinstance(mark, Unit):
            return {"duration": "a duration like 30s or 15m", "size": "a size like 64Mi", "path": "a path"}[
                mark.kind
            ]
        if isinstance(mark, msgspec.Meta):
            if mark.pattern is not None:
                return _describe_pattern(mark.pattern)
            bounds = [
                f"{word} {bound}"
                for word, bound in (("at least", mark.ge), ("more than", mark.gt), ("at most", mark.le))
                if bound is not None
            ]
            if bounds:
                return f"{describe(base)} of {' and '.join(bounds)}"
    return describe(base)


def _describe_pattern(pattern: str) -> str:
    if "ms|s|m|h" in pattern:
        return "a duration like 30s or 15m"
    if "[kKMGT]" in pattern:
        return "a size like 64Mi"
    if "SIG" in pattern:
        return "a signal like SIGTERM"
    if "[a-z0-9-]" in pattern:
        return "a name of lower-case letters, digits and inner dashes, at most 49 characters"
    return f"text that matches {pattern}"


def _kind(tree: Tree) -> str:
    if isinstance(tree.value, dict):
        return "a mapping"
    if isinstance(tree.value, list):
        return "a list"
    if tree.value is None:
        return "nothing"
    if isinstance(tree.value, str):
        return repr(tree.value[:80])
    return tree.text[:80]


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _names(known: dict[str, Any]) -> str:
    return ", ".join(known)
