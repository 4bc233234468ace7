"""A `journalctl` that prints entries in the Export format, read without waiting for it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Collection, Sequence

from collectors.logs.formats import Unreadable
from collectors.logs.journal.match import Match
from collectors.logs.journal.message import FIELDS

PROGRAM = "journalctl"
_READ = 256 * 1024
_TOLD = 400


def command(
    directory: str, matches: Collection[Match], options: Sequence[str], program: str = PROGRAM
) -> list[str]:
    """The command that prints the entries of these containers and services."""
    where = ["--directory", directory] if directory else []
    wanted: list[str] = []
    for field in sorted({match.field for match in matches}):
        # Values of one field are alternatives; `+` makes fields alternatives too.
        wanted += ["+"] if wanted else []
        wanted += sorted({match.words for match in matches if match.field == field})
    fixed = ["--output=export", "--quiet", "--no-pager", f"--output-fields={','.join(FIELDS)}"]
    return [program, *fixed, *where, *options, *wanted]


class JournalProcess:
    """A running journalctl; raises Unreadable when it cannot be started. It ends when its reader does."""

    def __init__(self, command: Sequence[str], *, block: bool = False) -> None:
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._complaints,
                env={**os.environ, "LC_ALL": "C"}, bufsize=0,
            )  # fmt: skip
        except OSError as error:
            self._complaints.close()
            raise Unreadable(
                f"cannot start {command[0]}: {error}; install systemd's, or set logs.journald.enabled: false"
            ) from error
        assert self._process.stdout is not None
        self._fd = self._process.stdout.fileno()
        os.set_blocking(self._fd, block)

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def read(self) -> bytes | None:
        """What it printed, at most 256 KiB; None for nothing now, empty at its end. Raises Unreadable when it failed."""
        try:
            data = os.read(self._fd, _READ)
        except BlockingIOError:
            return None
        if not data and (status := self._process.wait()):
            raise Unreadable(f"journalctl ended with status {status}: {self._complaint()}")
        return data

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._complaints.close()

    def _complaint(self) -> str:
        self._complaints.seek(0)
        return self._complaints.read(_TOLD).decode("utf-8", "replace").strip() or "it does not say why"
