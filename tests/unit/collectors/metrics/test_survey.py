"""A survey's figures stand in the rows of the containers that it looked at."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.metrics import catalogue, support
from collectors.metrics.rows import Value
from collectors.metrics.sampler import Sampler
from collectors.metrics.survey import Subjects

PLACE = catalogue.INDEX[catalogue.MEMORY_SWAP]


class Told:
    """A survey that knows one figure of each container."""

    def __init__(self, host: object) -> None:
        self.subjects: Subjects = list
        self.forgotten: list[str] = []
        self.closed = False

    def start(self, subjects: Subjects) -> None:
        self.subjects = subjects

    def fill(self, id: str, values: list[Value]) -> None:
        values[PLACE] = 77

    def forget(self, id: str) -> None:
        self.forgotten.append(id)

    def trouble(self) -> str:
        return "/mnt does not answer"

    def seconds(self) -> float:
        return 0.5

    def errors(self) -> int:
        return 3

    def close(self) -> None:
        self.closed = True


async def test_its_figures_errors_and_trouble_are_told(either: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "SURVEYS", {"disk": Told})
    monkeypatch.setattr(support, "REGISTRY", {k: v for k, v in support.REGISTRY.items() if k != "disk"})
    host = either.host
    sampler = Sampler(host.hierarchies, proc=host.proc, sys=host.sys)
    reading = await sampler.read()
    assert reading.rows and all(row.values[PLACE] == 77 for row in reading.rows)
    assert reading.durations["disk"] == 0.5 and reading.errors["disk"] == 3
    assert sampler.troubles() == {"disk": "/mnt does not answer"}
    told = sampler._gatherer.surveys["disk"]
    assert isinstance(told, Told) and [subject.id for subject in told.subjects()] == ["/"]
    sampler.remove("/")
    assert told.forgotten == ["/"]
    sampler.close()
    assert told.closed
