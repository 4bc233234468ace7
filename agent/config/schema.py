"""The configuration's keys as data: JSON Schema, documentation and defaults, from the settings' source."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from agent.config.decode import describe, field_hints, is_struct
from agent.config.settings import Config
from agent.config.types import Section, Unit, Variants
from agent.units import format_duration, format_size

JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


PLAIN = (list, dict)


@functools.cache
def documentation(struct: type[msgspec.Struct]) -> dict[str, str]:
    """What stands under each field of a struct in its source, on one line each; inherited fields too."""
    found: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        if issubclass(base, msgspec.Struct) and base.__struct_fields__:
            found |= _own_documentation(base)
    return found


def _own_documentation(struct: type[msgspec.Struct]) -> dict[str, str]:
    tree = ast.parse(inspect.getsource(sys.modules[struct.__module__]))
    body = next(
        node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == struct.__name__
    )
    found: dict[str, str] = {}
    for before, after in itertools.pairwise(body):
        if (
            isinstance(before, ast.AnnAssign)
            and isinstance(before.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[before.target.id] = " ".join(str(after.value.value).split())
    return found


def default_of(struct: type[msgspec.Struct], name: str) -> Any:
    """The default of a field; msgspec.NODEFAULT when it has none. Defaults of this host count as one."""
    field = next(one for one in msgspec.structs.fields(struct) if one.name == name)
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def shown(value: Any, hint: Any) -> Any:
    """A value as it is written in the file: durations and sizes with their units, structs as mappings."""
    if isinstance(value, msgspec.Struct):
        hints = field_hints(type(value))
        return {name: shown(getattr(value, name), hints[name]) for name in hints}
    unit = _unit(hint)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if unit == "duration":
            return format_duration(value)
        if unit == "size":
            text = format_size(value)
            return text if not text.isdigit() and _exact(text, value) else value
    if isinstance(value, list | tuple):
        member = (*get_args(hint), Any)[0]
        return [{**_type_of(item, member), **shown(item, member)} if is_struct(type(item)) else shown(item, Any)
                for item in value]  # fmt: skip
    if isinstance(value, dict):
        return {key: shown(item, Any) for key, item in value.items()}
    return value


def _type_of(value: Any, hint: Any) -> dict[str, str]:
    """The key `type` of a struct that is one of several."""
    for mark in getattr(hint, "__metadata__", ()):
        if isinstance(mark, Variants):
            return {"type": next(name for name, kind in mark.kinds().items() if type(value) is kind)}
    return {}


def _exact(text: str, value: float) -> bool:
    from agent.units import parse_size

    return parse_size(text) == value


def _unit(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return next((mark.kind for mark in get_args(hint)[1:] if isinstance(mark, Unit)), "")
    if get_origin(hint) in (Union, types.UnionType):
        return next(filter(None, (_unit(member) for member in get_args(hint))), "")
    return ""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the reference: its path, what it takes, its default as written, and what it is for."""

    path: str
    takes: str
    default: Any
    text: str


def keys(struct: type[msgspec.Struct] = Config, prefix: str = "") -> Iterator[Key]:
    """Every key below a struct, in the order of the file."""
    texts = documentation(struct)
    for name, hint in field_hints(struct).items():
        path = f"{prefix}{name}"
        if is_struct(hint):
            yield Key(f"{path}:", "", None, inspect.cleandoc(hint.__doc__ or ""))
            yield from keys(hint, f"{path}.")
        else:
            default = default_of(struct, name)
            known = default is not msgspec.NODEFAULT
            takes = describe(hint) if known else f"{describe(hint)}; must be given"
            yield Key(path, takes, shown(default, hint) if known else None, texts.get(name, ""))
            yield from _members(hint, path)


def _members(hint: Any, path: str) -> Iterator[Key]:
    """The keys of the structs in a list: of one struct, or of each type that there may be."""
    if get_origin(hint) not in (list, tuple):
        return
    member = get_args(hint)[0]
    if is_struct(member) and issubclass(member, Section):
        yield from keys(member, f"{path}[].")
    for mark in getattr(member, "__metadata__", ()):
        if isinstance(mark, Variants):
            for name, struct in mark.kinds().items():
                yield Key(f"{path}[{name}]:", "", None, inspect.cleandoc(struct.__doc__ or ""))
                yield from keys(struct, f"{path}[{name}].")


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the configuration, with defaults and descriptions."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deckwatch configuration",
        **_of_struct(Config, {}),
    }


def _of_struct(struct: type[msgspec.Struct], more: dict[str, Any]) -> dict[str, Any]:
    texts = documentation(struct)
    fields = msgspec.structs.fields(struct)
    of_this_host = {
        one.name for one in fields if callable(one.default_factory) and one.default_factory not in PLAIN
    }
    properties = {}
    for name, hint in field_hints(struct).items():
        member = _of_hint(hint)
        default = default_of(struct, name)
        if default is not msgspec.NODEFAULT and not is_struct(hint) and name not in of_this_host:
            member["default"] = shown(default, hint)
        if texts.get(name):
            member["description"] = texts[name]
        properties[name] = member
    required = [one.name for one in fields if one.required]
    return {
        "type": "object",
        **({"description": inspect.cleandoc(struct.__doc__)} if struct.__doc__ else {}),
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
        **more,
    }


def _of_variant(name: str, struct: type[msgspec.Struct]) -> dict[str, Any]:
    found = _of_struct(struct, {})
    found["properties"] = {"type": {"const": name}, **found["properties"]}
    found["required"] = ["type", *found.get("required", [])]
    return found


def _of_hint(hint: Any) -> dict[str, Any]:
    if is_struct(hint):
        return _of_struct(hint, {})
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _of_annotated(arguments[0], arguments[1:])
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of_hint(member) for member in arguments]}
    if origin in (list, tuple):
        return {"type": "array", "items": _of_member(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of_member(arguments[1])}
    return {"type": JSON_TYPES[hint]} if hint in JSON_TYPES else {}


def _of_member(hint: Any) -> dict[str, Any]:
    """Members of lists and mappings of text may be written without quotes: `PORT: 8080`."""
    return {"type": ["string", "number", "boolean"]} if hint is str else _of_hint(hint)


def _of_annotated(base: Any, marks: tuple[Any, ...]) -> dict[str, Any]:
    for mark in marks:
        if isinstance(mark, Variants):
            return {"oneOf": [_of_variant(name, kind) for name, kind in mark.kinds().items()]}
    found = _of_hint(base)
    for mark in marks:
        if isinstance(mark, Unit) and mark.kind != "path":
            return {
                "type": ["string", "number"],
                "examples": ["15m"] if mark.kind == "duration" else ["64Mi"],
            }
        if isinstance(mark, msgspec.Meta):
            bounds = {
                "minimum": mark.ge,
                "exclusiveMinimum": mark.gt,
                "maximum": mark.le,
                "pattern": mark.pattern,
            }
            found |= {name: bound for name, bound in bounds.items() if bound is not None}
    return found
