"""deckwatch version."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.unit.agent.cli.conftest import Call


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
