"""Fifty logs that rotate in every way reach a sink that fails in every way, while agent and log worker are killed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.soak.logs.soak import PYTHON, SHORT, LogSoak

pytestmark = [
    pytest.mark.root,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to run workloads"),
    pytest.mark.skipif(not os.path.exists(PYTHON), reason=f"needs {PYTHON}, for workloads that print"),
]


def test_what_is_printed_arrives_or_is_accounted_for(tmp_path: Path) -> None:
    course = LogSoak(tmp_path, SHORT).run()
    print(course)
    assert course.judge() == []
    assert course.kills.total() >= 2
    assert sum(account.copies for account in course.accounts) > 0
