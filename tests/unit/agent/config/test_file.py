"""YAML as a tree with lines."""

from __future__ import annotations

import pathlib

import pytest

from agent.config.file import Problem, Reader, Tree, overlay, override_trees, resolve


def read(text: str, **environment: str) -> tuple[Tree | None, list[Problem]]:
    reader = Reader(environment, [])
    return reader.read_text(text, "f.yaml"), reader.problems


def plain(text: str, **environment: str) -> object:
    tree, problems = read(text, **environment)
    assert not problems
    assert tree is not None
    return tree.plain()


def test_scalars_follow_yaml_1_2() -> None:
    assert plain("[yes, on, true, 22:22, 1_000, 0x10, 0o17, 017, 1e3, .5, ~, '', 2026-01-01]") == [
        "yes",
        "on",
        True,
        "22:22",
        "1_000",
        16,
        15,
        17,
        1000.0,
        0.5,
        None,
        "",
        "2026-01-01",
    ]
    assert resolve(".inf") == float("inf")


def test_text_keeps_its_spelling() -> None:
    tree, _ = read("version: 1.10")
    assert tree is not None and isinstance(tree.value, dict)
    assert tree.value["version"].text == "1.10"


def test_variables_expand_everywhere_and_keep_their_type() -> None:
    text = 'a: ${A}\nb: ${B:-5}\nc: "${B:-5}"\nd: x${A}y\ne: $${A}\nf: $A\ng: ${E:-}\nh: ${E:-d}'
    assert plain(text, A="1", E="") == {
        "a": 1,
        "b": 5,
        "c": "5",
        "d": "x1y",
        "e": "${A}",
        "f": "$A",
        "g": None,
        "h": "d",
    }


def test_an_unset_variable_is_a_problem_at_its_line() -> None:
    _, problems = read("a:\n  - b: ${NOPE}")
    assert [(one.line, one.key) for one in problems] == [(2, "a[0].b")]
    assert "${NOPE:-default}" in problems[0].message


def test_duplicate_keys_are_told_with_both_lines() -> None:
    _, problems = read("a: 1\nb: 2\na: 3")
    assert str(problems[0]) == "f.yaml:3: a: stands here twice, first on line 1"


def test_merge_keys_and_aliases() -> None:
    assert plain("base: &b {x: 1, y: 2}\nthis: {<<: *b, y: 3}") == {
        "base": {"x": 1, "y": 2},
        "this": {"x": 1, "y": 3},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "no valid YAML"),
        ("&a [*a]", "contains itself"),
        ("a: !vault x", "YAML tags"),
        ("? [1]\n: 2", "a key must be text"),
        ("---\na: 1\n---\nb: 2", "no valid YAML"),
        ("a: [" + ",".join(["&x [" + "1," * 500 + "]"] + ["*x"] * 500) + "]", "holds more than"),
        ("[" * 3000, "no valid YAML|nested too deeply"),
    ],
)
def test_bad_documents_are_one_problem(text: str, message: str) -> None:
    _, problems = read(text)
    assert len(problems) == 1
    assert any(part in str(problems[0]) for part in message.split("|")), problems


def test_a_file_that_is_no_text(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    reader = Reader({}, [])
    assert reader.read_file(str(path)) is None
    assert str(reader.problems[0]) == f"{path}:2: is not UTF-8 text"


def test_overlays_merge_sections_and_replace_values() -> None:
    reader = Reader({}, [])
    base = reader.read_text("a: {b: 1, c: [1]}", "f") or Tree(None, "", 0)
    for over in override_trees(reader, iter(["a.c=[2]", "a.d.e=x", "z=true"])):
        overlay(base, over)
    assert base.plain() == {"a": {"b": 1, "c": [2], "d": {"e": "x"}}, "z": True}
    assert list(override_trees(reader, iter(["=1", "a..b=1"]))) == []
    assert len(reader.problems) == 2
