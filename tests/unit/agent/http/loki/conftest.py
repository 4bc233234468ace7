"""Fixtures of the tests of Loki's API: a log service without its worker, whose queries are the real ones."""

from __future__ import annotations

import pathlib
import time

import pytest

from agent.logs.service import LogService
from collectors.logs.record import LogTarget
from collectors.model import LogSource
from tests.unit.agent.http.fakes import FakeApi
from tests.unit.collectors.logs.logfile import LogFile


@pytest.fixture
def log(api: FakeApi, tmp_path: pathlib.Path) -> LogFile:
    """The log of container `web`, which printed four lines a moment ago."""
    log = LogFile(tmp_path / "web.log")
    log.time = time.time_ns() - 60 * 10**9
    log.write("level=error a", "level=info b", '{"status":500}')
    log.write("d", stream="stderr")
    target = LogTarget(
        id="/web",
        source=LogSource(path=str(log.path), format="cri"),
        container={"id": "/web", "name": "web", "engine": "docker", "image": "nginx:1"},
    )
    api.logs = LogService(state_dir=str(tmp_path / "state"), run_dir=str(tmp_path))
    api.logs.set_targets([target])
    return log
