"""Trees as typed values."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest

from agent.config.decode import BAD, Decoder, absolute, describe, field_hints
from agent.config.file import Reader
from agent.config.settings import Config
from agent.config.types import Duration, Path, Size


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    name: str = "x"


def decode(text: str, hint: Any) -> tuple[Any, list[str]]:
    reader = Reader({}, [])
    tree = reader.read_text(text, "/etc/f.yaml")
    assert tree is not None
    value = Decoder(reader.problems).decode(tree, hint, "k")
    return value, [one.message for one in reader.problems]


@pytest.mark.parametrize(
    ("text", "hint", "value"),
    [
        ("15m", Duration, 900.0),
        ("64Mi", Size, 64 << 20),
        ("a/b", Path, "/etc/a/b"),
        ("/a", Path, "/a"),
        ("8080", str, "8080"),
        ("1.10", str, "1.10"),
        ("auto", bool | Literal["auto"], "auto"),
        ("true", bool | Literal["auto"], True),
        ("end", Literal["beginning", "end"] | Duration, "end"),
        ("10m", Literal["beginning", "end"] | Duration, 600.0),
        ("~", str | None, None),
        ("1000", str | int | None, 1000),
        ("3", float, 3.0),
        ("[1, a]", tuple[str, ...], ("1", "a")),
        ("{a: 1}", dict[str, str], {"a": "1"}),
        ("{port: 80}", Inner | None, Inner(port=80)),
        ("{a: [1]}", dict[str, Any], {"a": [1]}),
    ],
)
def test_right_values(text: str, hint: Any, value: object) -> None:
    assert decode(text, hint) == (value, [])


@pytest.mark.parametrize(
    ("text", "hint", "message"),
    [
        ("maybe", bool | Literal["auto"], "expected true, false or auto, got 'maybe'"),
        ("[1]", str, "expected text, got a list"),
        ("x", tuple[str, ...], "expected a list, got 'x'"),
        ("1", dict[str, str], "expected a mapping, got 1"),
        ("true", int, "expected a whole number, got true"),
        ("~", int, "expected a whole number, got nothing"),
        ("5", Inner, "expected a mapping of port, name, got 5"),
        ("{name: a}", Inner, "is missing"),
        ("{port: 70000}", Inner, "expected a whole number of at least 1 and at most 65535, got 70000"),
    ],
)
def test_wrong_values_say_what_is_right(text: str, hint: Any, message: str) -> None:
    value, problems = decode(text, hint)
    assert value is BAD
    assert problems == [message]


def test_a_bad_part_does_not_hide_the_others() -> None:
    value, problems = decode("[{port: 0}, {port: 1, nam: y}, {port: 2}]", tuple[Inner, ...])
    assert value == (Inner(port=1), Inner(port=2))
    assert problems == ["expected a whole number of at least 1 and at most 65535, got 0", "unknown key"]


def test_internal_fields_are_no_keys() -> None:
    assert "workload_files" not in field_hints(Config)
    assert "workloads" in field_hints(Config)


def test_paths_are_absolute() -> None:
    assert absolute("../x", "/etc/deckwatch/d.yaml") == "/etc/x"
    assert absolute("/x", "--set paths.state") == "/x"


def test_types_in_words() -> None:
    assert describe(list[str]) == "a list of text"
    assert describe(str | int | None) == "text, a whole number or null"
