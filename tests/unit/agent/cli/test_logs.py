"""deckwatch logs."""

from __future__ import annotations

import json

import pytest

from agent.cli.logs import printer
from tests.unit.agent.cli.conftest import Call, Running


def record(name: str, message: str) -> str:
    return json.dumps(
        {"time": "2026-01-01T00:00:00Z", "stream": "stdout", "message": message, "container": {"name": name}}
    )


def test_one_container_prints_messages_several_print_names(ask: Call, agent: Running) -> None:
    agent.api.logs.lines = [record("web", "hello"), record("web", "two\nlines")]
    assert ask("logs", "web").out == "hello\ntwo\nlines\n"
    agent.api.logs.lines = [record("demo-1", "a"), record("demo-2", "b\nc")]
    assert ask("logs", "demo").out == "demo-1 | a\ndemo-2 | b\ndemo-2 | c\n"
    assert ask("logs", "-t", "demo").out.startswith("demo-1 | 2026-01-01T00:00:00Z a\n")
    assert ask("logs", "-o", "raw", "demo").out == "a\nb\nc\n"
    lines = ask("logs", "-o", "json").out.splitlines()
    assert [json.loads(line)["container"]["name"] for line in lines] == ["demo-1", "demo-2"]


def test_flags_reach_the_agent(ask: Call, agent: Running) -> None:
    ask("logs", "-n", "5", "--since", "1970-01-01T00:00:10Z", "--grep", "a", "--level", "error", "--stream", "stderr",
        "--previous", "web", "demo")  # fmt: skip
    query = agent.api.logs.asked[0]
    assert (query.tail_per_container, query.since, query.grep, query.level) == (5, 10.0, "a", "error")
    assert (query.stream, query.previous, query.direction, len(query.targets)) == (
        "stderr",
        True,
        "forward",
        3,
    )


def test_wrong_use(ask: Call) -> None:
    assert ask("logs", "--level", "loud", "web").err == (
        "deckwatch: level: no level 'loud'; there are trace, debug, info, warn, error, fatal, unknown\n"
    )
    assert ask("logs", "-f", "--previous", "web").code == 2
    assert ask("logs", "-n", "x", "web").code == 2
    assert ask("logs", "nobody").code == 1


def test_a_query_that_fails_midway_is_told(ask: Call, agent: Running) -> None:
    agent.api.logs.lines = [record("web", "a"), "!timeout"]
    result = ask("logs", "web")
    assert (result.code, result.out) == (1, "a\n")
    assert "the query failed: timeout" in result.err


def test_following_begins_with_the_newest(ask: Call, agent: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    agent.api.logs.lines = [record("web", "a"), record("web", "b")]

    def enough(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("agent.cli.follow.follow.__defaults__", (enough,))
    result = ask("logs", "-f", "-n", "2", "web")
    assert (result.code, result.out) == (130, "a\nb\n")
    assert agent.api.logs.asked[0].tail_per_container == 2


def test_colours_and_control_characters() -> None:
    show = printer("default", several=True, timestamps=False, colour=True)
    text = show(record("web", "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J").encode())
    assert text.startswith("\x1b[")
    assert "\x1b[31mred\x1b[0m" in text
    assert "\\x1b]0;title\\x07 \\x1b[2J" in text
