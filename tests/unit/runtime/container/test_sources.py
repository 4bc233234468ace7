"""What is taken from the host is what it says it is."""

from __future__ import annotations

import os
import pathlib

import pytest

from runtime.container.failure import StartError
from runtime.container.sources import check_device, open_views


def test_a_device_is_told_by_its_numbers() -> None:
    null = os.open("/dev/null", os.O_PATH)
    try:
        check_device(null, "null", 1, 3)
        with pytest.raises(StartError, match="/dev/zero is not character device 1:5"):
            check_device(null, "zero", 1, 5)
    finally:
        os.close(null)


def test_a_file_is_no_device(tmp_path: pathlib.Path) -> None:
    (tmp_path / "null").write_text("")
    fake = os.open(tmp_path / "null", os.O_PATH)
    with pytest.raises(StartError, match="not character device"):
        check_device(fake, "null", 1, 3)
    os.close(fake)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="cloning a mount needs root")
def test_views(tmp_path: pathlib.Path) -> None:
    ((name, descriptor),) = open_views([("cpu", str(tmp_path))])
    assert name == "cpu"
    assert os.fstat(descriptor).st_ino == tmp_path.stat().st_ino
    os.close(descriptor)
    with pytest.raises(StartError, match=r"cannot use /nonesuch as cgroup: No such file"):
        open_views([("cpu", "/nonesuch")])
