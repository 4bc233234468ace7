"""The agent's own log."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = (
    "import structlog; from agent.logsetup import configure; configure({level!r}, {format!r});"
    "log = structlog.get_logger(); log.info('engine_away', socket='/x'); log.debug('detail')"
)


def written(level: str, format: str) -> str:
    command = [sys.executable, "-c", SCRIPT.format(level=level, format=format)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    assert finished.stdout == ""  # standard output belongs to commands' answers
    return finished.stderr


def test_away_from_a_terminal_each_line_is_json() -> None:
    [line] = written("info", "auto").splitlines()
    record = json.loads(line)
    assert (record["event"], record["socket"], record["level"]) == ("engine_away", "/x", "info")


def test_people_get_words() -> None:
    assert "engine_away" in written("info", "console") and "{" not in written("info", "console")


@pytest.mark.parametrize(("level", "lines"), [("debug", 2), ("info", 1), ("error", 0)])
def test_the_level_is_a_floor(level: str, lines: int) -> None:
    assert len(written(level, "json").splitlines()) == lines
