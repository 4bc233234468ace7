"""Project quotas: recorded structures, a kernel that has them, and one that does not."""

from __future__ import annotations

import os
import pathlib
import struct
import subprocess

import pytest

from runtime.linux import quota
from tests.filesystems import PROJECTS, image, set_project, want_project_quotas


def test_a_quota_as_the_kernel_writes_it() -> None:
    content = struct.pack("=8QI4x", 2048, 1024, 4096, 0, 50, 3, 0, 0, 0x3F)
    assert quota.parse(content) == quota.ProjectQuota(used=4096, limit=1024 * 1024, files=3, files_limit=50)
    assert quota.parse(bytes(72)) == quota.ProjectQuota(0, 0, 0, 0)


def test_a_file_system_without_projects_says_so(tmp_path: pathlib.Path) -> None:
    descriptor = os.open("/proc", os.O_RDONLY)
    try:
        with pytest.raises(OSError):
            quota.project(descriptor)
    finally:
        os.close(descriptor)


def test_quotas_that_are_off_are_an_error(tmp_path: pathlib.Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(OSError):
            quota.used_by(descriptor, 1)
    finally:
        os.close(descriptor)


@pytest.mark.inside_cgroup2
@pytest.mark.parametrize(("kind", "size", "making"), PROJECTS)
def test_a_project_is_counted_and_limited(
    tmp_path: pathlib.Path, kind: str, size: int, making: tuple[str, ...]
) -> None:
    want_project_quotas()
    with image(tmp_path, kind, size=size, options="prjquota", make=making) as top:
        directory = top / "layer"
        directory.mkdir()
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            assert quota.project(descriptor) == quota.Project(0, False)
            set_project(descriptor, 77)
            subprocess.run(["setquota", "-P", "77", "0", "8192", "0", "100", str(top)], check=True)
            (directory / "data").write_bytes(bytes(1 << 20))
            os.sync()
            assert quota.project(descriptor) == quota.Project(77, True)
            told = quota.used_by(descriptor, 77)
            assert 1 << 20 <= told.used < (1 << 20) + 65536
            assert (told.limit, told.files, told.files_limit) == (8 << 20, 2, 100)
        finally:
            os.close(descriptor)
