"""deckwatch doctor."""

from __future__ import annotations

import json
import pathlib

from agent.cli.doctor import text
from agent.conditions import condition
from agent.hostcheck import Finding
from tests.unit.agent.cli.conftest import Call, Running


def test_the_matrix_names_what_an_agent_finds_wrong(ask: Call, agent: Running) -> None:
    result = ask("doctor", "-o", "json")
    assert result.code == 0
    found = {one["subject"]: one for one in json.loads(result.out)}
    assert {"configuration", "cgroups", "rights", "inotify", "paths.state", "agent"} <= set(found)
    assert found["agent"]["status"] == "degraded"
    assert found["agent"]["wrong"][0]["code"] == "engine_unavailable"
    agent.api.complete = False
    assert "not ready yet" in ask("doctor").out


def test_without_an_agent_and_with_a_bad_configuration_it_still_answers(
    call: Call, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("nonsense: 1")
    result = call("doctor", "-c", str(file), "--socket", str(tmp_path / "no.sock"))
    assert result.code == 0
    assert "nonsense: unknown key" in result.out
    assert f"the agent cannot be asked: no agent at {tmp_path}/no.sock" in result.out
    assert "→ start one: deckwatch run" in result.out


def test_each_line_has_its_status_and_remedy() -> None:
    bad = Finding("cgroups", "none", [condition("cgroup_missing")])
    shown = text([Finding("rights", "root"), bad], colour=True)
    assert shown.splitlines()[0] == "\x1b[32mok      \x1b[0m  rights   root"
    assert shown.splitlines()[1].startswith("\x1b[31mmissing")
    assert shown.splitlines()[3].strip() == "→ mount one: mount -t cgroup2 none /sys/fs/cgroup"
