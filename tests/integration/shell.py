"""The command line as a person uses it: `deckwatch` with $DECKWATCH_CONFIG set."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.integration.agents import DECKWATCH


class Shell:
    """Calls `deckwatch` as a person would, with $DECKWATCH_CONFIG set."""

    def __init__(self, config: str) -> None:
        self.environment = {**os.environ, "DECKWATCH_CONFIG": config, "NO_COLOR": "1"}
        self.environment.pop("DECKWATCH_SOCKET", None)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        done = subprocess.run(
            [DECKWATCH, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return done

    def out(self, *arguments: str) -> str:
        """Standard output of a command that must succeed."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    def fail(self, code: int, *arguments: str) -> str:
        """Standard error of a command that must fail with this code and print nothing else."""
        done = self.run(*arguments)
        assert (done.returncode, done.stdout) == (code, ""), f"{arguments}: {done}"
        assert done.stderr.startswith("deckwatch")
        return done.stderr

    @contextlib.contextmanager
    def following(self, output: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command that goes on until the block ends; its output goes to a file."""
        with output.open("wb") as file:
            # Tests that run in the background of a script inherit that SIGINT is ignored.
            process = subprocess.Popen(
                [DECKWATCH, *arguments],
                env=self.environment,
                stdout=file,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
            try:
                yield process
            finally:
                process.send_signal(signal.SIGINT)
                try:
                    assert process.wait(20) == 130
                finally:
                    process.kill()
                    process.wait(10)
