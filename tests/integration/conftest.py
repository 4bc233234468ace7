"""Fixtures of the integration tests: an engine per session, clean for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration import engines


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[engines.Dockerd]:
    """A dockerd of the tests' own."""
    starting = engines.dockerd()
    try:
        engine = next(starting)
    except engines.Missing as missing:
        pytest.skip(str(missing))
    yield engine
    next(starting, None)


@pytest.fixture
def dockerd(docker_engine: engines.Dockerd) -> Iterator[engines.Dockerd]:
    """The session's dockerd, without containers before and after."""
    yield docker_engine
    docker_engine.remove_all()
