"""deckwatch run."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

from tests.unit.agent.cli.conftest import Call


def test_a_bad_configuration_ends_it_with_2_and_every_error(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("server: {lissten: []}\nquery: {timeout: soon}\n")
    script = f"from agent.cli import main; main(['run', '-c', {str(file)!r}])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean listen?" in done.stderr and "query.timeout" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_names_the_options(call: Call) -> None:
    result = call("run", "--help")
    assert (result.code, "--set KEY=VALUE" in result.out) == (0, True)


def test_a_crash_is_an_entry_of_the_log(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(path: str | None, overrides: tuple[str, ...], started: object) -> int:
        raise RuntimeError("boom")

    monkeypatch.setattr("agent.start.main", crash)
    result = call("run")
    assert result.code == 1
    assert "agent_crashed" in result.out + result.err
