"""Whose output lies in the systemd journal: containers whose engine keeps no log file, and the services asked for."""

from __future__ import annotations

import fnmatch
import os
import shutil
from collections.abc import Sequence

from agent.config.logsettings import Journald
from collectors.logs.journal.match import CONTAINER, UNIT, Match
from collectors.logs.journal.process import PROGRAM
from collectors.model import Container, LogSource, Role

DIRECTORIES = ("/var/log/journal", "/run/log/journal")
MACHINE_ID = "/etc/machine-id"
ENGINES = ("docker", "podman")
"""Engines that can log to journald. A container of theirs without a log file does, or nowhere: then nothing is found."""


class JournalSources:
    """Where in the journal a container's output lies. `why_not` says why nothing is read from it."""

    def __init__(
        self,
        settings: Journald,
        *,
        directories: Sequence[str] = DIRECTORIES,
        machine_id: str = MACHINE_ID,
        program: str = PROGRAM,
    ) -> None:
        self.why_not = "" if settings.enabled is False else _missing(directories, program)
        self.reads = settings.enabled is not False and (settings.enabled is True or not self.why_not)
        self._units = settings.units
        self._directory = "" if _own(directories, machine_id) else _first(directories)

    def source(self, container: Container) -> LogSource | None:
        """Of a container that has no log file; None when it has nothing in the journal either."""
        if not self.reads:
            return None
        if container.role is Role.SERVICE:
            if not any(fnmatch.fnmatchcase(container.name, pattern) for pattern in self._units):
                return None
            return Match(self._directory, UNIT, container.name).source
        if container.role is Role.CONTAINER and container.engine in ENGINES and container.engine_id:
            return Match(self._directory, CONTAINER, container.engine_id).source
        return None


def _missing(directories: Sequence[str], program: str) -> str:
    if shutil.which(program) is None:
        return f"{program} is not installed"
    if not _first(directories):
        return f"there is no journal in {' or '.join(directories)}"
    return ""


def _own(directories: Sequence[str], machine_id: str) -> bool:
    """Whether the journal is this system's: then journalctl finds all of its directories."""
    try:
        with open(machine_id, encoding="ascii") as file:
            id = file.read(64).strip()
    except (OSError, ValueError):
        return False
    return bool(id) and any(os.path.isdir(os.path.join(directory, id)) for directory in directories)


def _first(directories: Sequence[str]) -> str:
    return next((directory for directory in directories if os.path.isdir(directory)), "")
