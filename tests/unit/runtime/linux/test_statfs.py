"""Space of a file system, against the kernel and coreutils."""

from __future__ import annotations

import os
import pathlib
import subprocess

import pytest

from runtime.linux import statfs


def test_the_figures_are_those_of_df(tmp_path: pathlib.Path) -> None:
    fields = "size,itotal,iavail"
    done = subprocess.run(
        ["df", "--block-size=1", f"--output={fields}", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    size, files, free = (int(field) for field in done.stdout.splitlines()[1].split())
    space = statfs.space(str(tmp_path))
    assert (space.total, space.files) == (size, files)
    assert abs(space.files_free - free) < 10_000 and 0 < space.used < space.total


def test_a_descriptor_will_do(tmp_path: pathlib.Path) -> None:
    descriptor = os.open(tmp_path, os.O_PATH)
    try:
        assert statfs.space(descriptor).total == statfs.space(str(tmp_path)).total
    finally:
        os.close(descriptor)


def test_what_is_not_there_is_an_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError):
        statfs.space(str(tmp_path / "none"))
