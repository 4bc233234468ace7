"""Processes that live on file systems of their own, and what looks at them."""

from __future__ import annotations

import os
import pathlib
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from collectors.metrics.crew import Crew
from collectors.metrics.filesystem.hostmounts import HostMounts
from collectors.metrics.filesystem.places import Places
from collectors.metrics.survey import Subject
from tests.filesystems import Resident

Settle = Callable[..., Subject]


def leave(*subjects: Subject) -> None:
    """End residents, so that what they live on can be unmounted."""
    for subject in subjects:
        os.kill(subject.pid, signal.SIGKILL)
        os.waitid(os.P_PID, subject.pid, os.WEXITED | os.WNOWAIT)


@pytest.fixture
def crew() -> Iterator[Crew]:
    made = Crew("test", patience=2.0)
    yield made
    made.close()
    made.dismiss()


@pytest.fixture
def settle(tmp_path: pathlib.Path) -> Iterator[Settle]:
    """Starts residents: `settle("name", binds=…)` is the subject `/name`."""
    residents: list[Resident] = []

    def start(name: str, **how: Any) -> Subject:
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        residents.append(Resident(directory, **how))
        return Subject(f"/{name}", residents[-1].pid, residents[-1].start)

    yield start
    for resident in residents:
        resident.close()


@pytest.fixture
def host() -> Iterator[HostMounts]:
    made = HostMounts()
    yield made
    made.close()


@pytest.fixture
def places(host: HostMounts, crew: Crew) -> Places:
    return Places(host, crew, "/proc", most_volumes=4)
