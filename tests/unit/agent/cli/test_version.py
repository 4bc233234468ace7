"""deckwatch version."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.unit.agent.cli.conftest import Call, Running


def test_version(call: Call) -> None:
    assert call("version").out.startswith("deckwatch 0.")
    assert call("--version").out == call("version").out
    assert set(json.loads(call("version", "-o", "json").out)) == {"version", "python", "kernel"}


def test_it_imports_nothing_heavy() -> None:
    script = (
        "import sys; from agent.cli import execute; execute(['version']); execute(['--help'])\n"
        "heavy = {'aiohttp', 'asyncio', 'msgspec', 'yaml', 'structlog', 'pyroute2', 're2'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_output_that_cannot_be_written_is_one_line() -> None:
    script = "from agent.cli import main; main(['config', 'schema'])"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", script],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        1,
        "deckwatch: cannot write the output: No space left on device\n",
    )


@pytest.mark.parametrize(
    ("words", "code"), [("version >&-", 0), ("--help >&-", 0), ("pss 2>&-", 2), ("config schema | true", 0)]
)
def test_closed_streams_and_readers_that_go_are_no_fault(words: str, code: int) -> None:
    script = f"{sys.executable} -c 'from agent.cli import main; main()' {words}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (code, "")


def test_a_fault_of_the_program_is_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault() -> str:
        raise TypeError("no\nsuch thing")

    monkeypatch.setattr("platform.release", fault)
    result = call("version")
    assert result.code == 1
    assert result.err == (
        "deckwatch: a fault of this program: TypeError: no such thing; DECKWATCH_DEBUG=1 shows where\n"
    )


def test_commands_are_refused_and_suggested_by_name(call: Call) -> None:
    assert call("pss").err == "deckwatch: no command 'pss'; did you mean ps; see deckwatch --help\n"
    result = call("exec", "-it", "web", "--", "sh")
    assert (result.code, "`deckwatch exec` is not in this version" in result.err) == (1, True)
    assert "doctor" in call().out or "doctor" in call("--help").out


def test_a_wrong_option_names_the_nearest(call: Call) -> None:
    assert call("ps", "--filtr", "x").err == (
        "deckwatch ps: no such option '--filtr'; did you mean '--filter'; see deckwatch ps --help\n"
    )


def test_any_text_is_written_in_any_encoding(agent: Running) -> None:
    agent.api.logs.lines = ['{"message":"gr\\u00fc\\u00dfe \\u2192","container":{"name":"web"},"time":"1"}']
    script = f"from agent.cli import main; main(['logs', '--socket', {agent.socket!r}, '-n', '1', 'web'])"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"gr\xfc\xdfe \\u2192\n", b"")
