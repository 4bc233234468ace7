"""deckwatch config."""

from __future__ import annotations

import json
import pathlib

import yaml

from tests.unit.agent.cli.conftest import Call


def test_check(call: Call, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("workloads: [{name: web, rootfs: host}]")
    result = call("config", "check", "-c", str(file))
    assert (result.code, result.out) == (0, f"{file}: in order, 1 workload\n")
    file.write_text("server: {lissten: []}\nquery: {timeout: soon}\n")
    result = call("config", "check", "-c", str(file), "--set", "runtime.engine=runc")
    assert (result.code, result.out) == (2, "")
    assert [line.removeprefix("deckwatch: ") for line in result.err.splitlines()] == [
        "--set runtime.engine: runtime.engine: is not implemented in this version; leave it at builtin",
        f"{file}:1: server.lissten: unknown key; did you mean listen?",
        f"{file}:2: query.timeout: 'soon' is no duration; write it like 30s, 15m or 1h30m",
    ]


def test_show_can_be_read_again_and_hides_secrets(call: Call, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("query: {timeout: 90s}\nworkloads: [{name: web, env: {DB_PASSWORD: hunter2, A: b}}]")
    result = call("config", "show", "-c", str(file))
    assert "hunter2" not in result.out
    shown = yaml.safe_load(result.out)
    assert shown["query"]["timeout"] == "1m30s"
    assert shown["workloads"][0]["env"] == {"DB_PASSWORD": "(secret)", "A": "b"}
    again = tmp_path / "again.yaml"
    again.write_text(result.out.replace("(secret)", "x"))
    assert call("config", "show", "-c", str(again)).out == result.out
    assert json.loads(call("config", "show", "-o", "json", "-c", str(file)).out) == shown


def test_schema(call: Call) -> None:
    schema = json.loads(call("config", "schema").out)
    assert schema["properties"]["query"]["properties"]["timeout"]["default"] == "30s"
