"""The host's own figures."""

from __future__ import annotations

import os
import pathlib

import psutil

from collectors.metrics import catalogue, host


def test_figures_agree_with_another_reader_of_the_same_host() -> None:
    told = {family: value for family, ((_, value),) in host.sections()}
    assert told[catalogue.MACHINE_MEMORY] == psutil.virtual_memory().total
    assert told[catalogue.MACHINE_SWAP] == psutil.swap_memory().total
    assert told[catalogue.MACHINE_CPU_CORES] == os.cpu_count()


def test_oom_kills_are_the_kernels_count_and_absent_without_one(tmp_path: pathlib.Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:       1024 kB\nSwapTotal:       0 kB\n")
    told = dict(host.sections(str(tmp_path)))
    assert catalogue.HOST_OOM_KILLS not in told
    assert told[catalogue.MACHINE_SWAP] == [("", 0)]
    (tmp_path / "vmstat").write_text("pgfault 5\noom_kill 3\n")
    assert dict(host.sections(str(tmp_path)))[catalogue.HOST_OOM_KILLS] == [("", 3)]
