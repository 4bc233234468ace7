"""deckwatch events."""

from __future__ import annotations

import json

import pytest

from agent.cli.events import line
from collectors.model import EventType
from tests.unit.agent.cli.conftest import Call, Running
from tests.unit.agent.http.fakes import DEMO, WEB


def test_kept_events(ask: Call, agent: Running) -> None:
    agent.do(lambda: agent.api.events.emit(EventType.START, WEB, time=100.0))
    agent.do(
        lambda: agent.api.events.emit(
            EventType.EXIT, DEMO[0], time=200.0, exit_code=137, signal=9, reason="oom"
        )
    )
    assert ask("events").out == (
        "1970-01-01T00:01:40.000000Z  start     web (run 1)\n"
        "1970-01-01T00:03:20.000000Z  exit      demo-1 (run 1): oom, code 137, signal 9\n"
    )
    assert ask("events", "--since", "1970-01-01T00:02:00Z").out.count("\n") == 1
    assert ask("events", "--filter", "workload=demo").out.count("\n") == 1
    assert json.loads(ask("events", "-o", "json").out.splitlines()[1])["exit_code"] == 137


def test_followed_events(ask: Call, agent: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    agent.do(lambda: agent.api.events.emit(EventType.START, WEB, time=100.0))

    def last(event: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("agent.cli.events.line", last)
    assert ask("events", "-f", "--since", "1970-01-01T00:00:00Z").code == 130


def test_lines() -> None:
    event = {
        "time": "T", "type": "oom_kill", "run": 2, "observed": "late",
        "container": {"namespace": "n", "pod": "p", "container": "c"},
        "process": {"name": "py\x1b[2J", "pid": 7},
    }  # fmt: skip
    assert line(event) == "T  oom_kill  n/p/c (run 2): process py\\x1b[2J (7), learnt of later"
