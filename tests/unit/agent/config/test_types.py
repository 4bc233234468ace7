"""Values of the configuration as they are written."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import pytest

from agent.config.decode import Decoder
from agent.config.file import Problem, Reader
from agent.config.schema import documentation, keys, shown
from agent.config.types import Duration, Path, Section, Size, Unit, Variants


class _Part(Section, frozen=True):
    wait: Duration = 1.0
    """How long."""


class _File(_Part, frozen=True, kw_only=True):
    """To a file."""

    path: str
    """Where."""


PARTS = Variants(lambda: {"plain": _Part, "file": _File})


class _Whole(Section, frozen=True):
    parts: tuple[Annotated[_Part, PARTS], ...] = ()
    """The parts."""


def decoded(text: str) -> tuple[Any, list[Problem]]:
    problems: list[Problem] = []
    tree = Reader({}, problems).read_text(text, "a.yaml")
    assert tree is not None
    return Decoder(problems).decode(tree, _Whole, ""), problems


def test_durations_sizes_and_paths_say_how_they_are_written() -> None:
    units = [get_args(one)[1] for one in (Duration, Size, Path)]
    assert units == [Unit("duration"), Unit("size"), Unit("path")]


def test_a_section_is_never_changed() -> None:
    part = _Part(wait=2.0)
    with pytest.raises(AttributeError):
        part.wait = 3.0  # type: ignore[misc]


def test_a_mapping_is_the_struct_that_its_type_asks_for() -> None:
    whole, problems = decoded("parts: [{type: plain, wait: 2s}, {type: file, path: /a}]")
    assert problems == []
    assert whole.parts == (_Part(wait=2.0), _File(path="/a"))
    assert shown(whole, _Whole) == {
        "parts": [{"type": "plain", "wait": "2s"}, {"type": "file", "wait": "1s", "path": "/a"}]
    }


def test_an_unknown_type_and_a_key_of_another_type_are_told_by_name() -> None:
    _, problems = decoded("parts: [{type: flie, path: /a}, {type: plain, zzz: 1}, {path: /b}]")
    assert [(one.key, one.nearest) for one in problems] == [
        ("parts[0].type", "file"), ("parts[1].zzz", ""), ("parts[2]", ""),
    ]  # fmt: skip


def test_each_type_is_in_the_reference_with_inherited_keys() -> None:
    assert documentation(_File) == {"wait": "How long.", "path": "Where."}
    assert [key.path for key in keys(_Whole)] == [
        "parts", "parts[plain]:", "parts[plain].wait", "parts[file]:", "parts[file].wait", "parts[file].path",
    ]  # fmt: skip
