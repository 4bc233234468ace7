"""Conditions: one list, with a remedy each."""

from __future__ import annotations

import pytest

from agent.conditions import KINDS, Conditions, Severity, condition, placeholders


@pytest.mark.parametrize("code", KINDS)
def test_each_kind_makes_one_line_with_a_remedy(code: str) -> None:
    made = condition(code, **{name: f"<{name}>\nx" for name in placeholders(code)})
    assert made.code == code
    assert made.remedy
    assert "\n" not in made.line()
    assert not made.text.endswith((".", ";"))
    for name in placeholders(code):
        assert f"<{name}> x" in made.line()


def test_a_missing_value_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError):
        condition("engine_unavailable", engine="docker")
    with pytest.raises(KeyError):
        condition("no such code")


def test_conditions_come_and_go_per_subject() -> None:
    board = Conditions()
    assert board.set("engine_unavailable", "docker", engine="docker", reason="refused")
    assert not board.set("engine_unavailable", "docker", engine="docker", reason="refused")
    assert board.set("engine_unavailable", "docker", engine="docker", reason="timeout")
    assert board.set("cgroup_missing")
    assert [one.code for one in board.current()] == ["cgroup_missing", "engine_unavailable"]
    assert board.current()[0].severity is Severity.MISSING
    assert board.clear("engine_unavailable", "docker")
    assert not board.clear("engine_unavailable", "docker")
    assert [one.code for one in board.current()] == ["cgroup_missing"]


def test_what_somebody_else_found_is_news_once() -> None:
    conditions = Conditions()
    found = condition("cgroup_readonly", path="/x", reason="not writable by this user")
    assert conditions.put(found) and not conditions.put(found)
    assert conditions.current() == [found]
