"""The collectors, workloads and logs under a kernel whose only cgroup hierarchy is v2."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]

pytestmark = [
    pytest.mark.cgroup2,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to boot a kernel over this root file system"),
    pytest.mark.skipif(shutil.which("linux.uml") is None, reason="needs linux.uml (package user-mode-linux)"),
]


def test_the_marked_tests_pass_where_only_v2_exists() -> None:
    command = [
        str(ROOT / "tests/under-cgroup2"),
        "-t",
        "560",
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    finished = subprocess.run(
        [*command, "-m", "inside_cgroup2", "tests"],
        cwd=ROOT, capture_output=True, text=True, timeout=580, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout[-6000:] + finished.stderr[-2000:]
    passed = re.search(r"(\d+) passed", finished.stdout)
    assert passed is not None and int(passed[1]) >= 20, finished.stdout[-2000:]
