"""Recorded hosts for the tests of collectors."""

from __future__ import annotations

import pathlib

import pytest

from tests.recorded import RecordedHost


@pytest.fixture
def v1(tmp_path: pathlib.Path) -> RecordedHost:
    return RecordedHost(tmp_path / "v1", 1)


@pytest.fixture
def v2(tmp_path: pathlib.Path) -> RecordedHost:
    return RecordedHost(tmp_path / "v2", 2)


@pytest.fixture(params=[1, 2], ids=["v1", "v2"])
def either(tmp_path: pathlib.Path, request: pytest.FixtureRequest) -> RecordedHost:
    return RecordedHost(tmp_path / "host", request.param)
