"""Fixtures of the integration tests: an engine per session, clean for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration import engines
from tests.integration import podman as podmans


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[engines.Dockerd]:
    """A dockerd of the tests' own."""
    yield from engines.or_skip(engines.dockerd())


@pytest.fixture
def dockerd(docker_engine: engines.Dockerd) -> Iterator[engines.Dockerd]:
    """The session's dockerd, without containers before and after."""
    yield docker_engine
    docker_engine.remove_all()


@pytest.fixture(scope="session")
def podman_storage() -> Iterator[podmans.Podman]:
    """A Podman of the tests' own."""
    yield from engines.or_skip(podmans.podman())


@pytest.fixture
def podman(podman_storage: podmans.Podman) -> Iterator[podmans.Podman]:
    """The session's Podman, without containers before and after."""
    yield podman_storage
    podman_storage.remove_all()
