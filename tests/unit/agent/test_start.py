"""How the agent starts, or says in one line why it does not."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

from agent.homes import Home
from agent.start import main


def test_a_second_agent_on_the_same_state_is_one_clear_line(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "deckwatch.yaml"
    path.write_text(f"paths: {{state: {tmp_path}/state, run: {tmp_path}/run}}\n")
    command = [
        sys.executable,
        "-c",
        f"import sys; from agent.start import main; sys.exit(main({str(path)!r}))",
    ]
    first = Home(str(tmp_path / "state"), "paths.state")
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    first.close()
    assert finished.returncode == 1
    [line] = finished.stderr.splitlines()
    assert line.startswith("deckwatch: another agent (pid ") and "paths.state" in line


def test_a_bad_configuration_ends_with_status_2(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("serverr: {}\nlogs: {enabled: maybe}\n")
    assert main(str(path)) == 2
    written = capsys.readouterr().err
    assert f"{path}:1" in written and "server" in written and f"{path}:2" in written
