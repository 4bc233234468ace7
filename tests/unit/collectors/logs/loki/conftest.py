"""Fixtures of the tests of Loki's read API."""

from __future__ import annotations

import pathlib

import pytest

from tests.unit.collectors.logs.loki.asking import Asking


@pytest.fixture
def asking(tmp_path: pathlib.Path) -> Asking:
    return Asking(tmp_path)
