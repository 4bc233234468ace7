"""What `deckwatch run` tells at its start."""

from __future__ import annotations

import os
import pathlib
import shlex
import stat
import subprocess
import sys

import pytest

from agent.cli.welcome import NO_ADDRESS, ask_command, welcome
from agent.config.settings import default_run

URL = "http://127.0.0.1:9780"


def test_people_get_page_metrics_and_a_command() -> None:
    text = welcome([URL], "deckwatch ps", people=True)
    assert f"page     {URL}/\n" in text
    assert f"metrics  {URL}/metrics\n" in text
    assert "ask it   deckwatch ps\n" in text


def test_programs_get_one_line() -> None:
    assert welcome([URL], "", people=False) == f"deckwatch answers at {URL}/ {URL}/metrics"


def test_without_an_address_the_socket_is_named() -> None:
    assert f"{NO_ADDRESS}\n  ask it   deckwatch ps" in welcome([], "deckwatch ps", people=True)
    assert welcome([], "deckwatch ps", people=False) == NO_ADDRESS


def test_the_command_names_what_leads_to_the_agent(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "a b.yaml"
    file.write_text("paths: {run: run}\n")
    socket = str(tmp_path / "run/deckwatch.sock")
    quoted = shlex.quote(str(file))
    assert ask_command(socket, str(file), "deckwatch-test") == f"DECKWATCH_CONFIG={quoted} deckwatch ps"
    assert ask_command("/x.sock", str(file), "deckwatch-test") == "deckwatch ps --socket /x.sock"
    own = os.path.join(default_run(), "deckwatch.sock")
    assert ask_command(own, None, "deckwatch-test") == "deckwatch ps"


def test_the_program_is_named_as_path_leads_to_it(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "deckwatch"
    program.write_text("#!/bin/sh\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", "/nowhere")
    assert ask_command("/x.sock", None, str(program)) == f"{program} ps --socket /x.sock"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask_command("/x.sock", None, str(program)) == "deckwatch ps --socket /x.sock"


def test_an_agent_tells_where_it_answers(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(
        "paths: {state: state, run: run}\nserver: {listen: ['127.0.0.1:0']}\n"
        "runtime: {enabled: false}\nlogs: {enabled: false}\n"
    )
    script = f"from agent.cli import main; main(['run', '-c', {str(file)!r}])"
    agent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert agent.stdout is not None
        line = agent.stdout.readline()
    finally:
        agent.terminate()
        assert agent.wait(30) == 0
    words = line.split()
    assert words[:3] == ["deckwatch", "answers", "at"]
    assert words[3].startswith("http://127.0.0.1:") and words[4] == f"{words[3]}metrics"
