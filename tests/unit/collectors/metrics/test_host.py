"""The host's own figures."""

from __future__ import annotations

import os
import pathlib

import psutil

from collectors.metrics import catalogue
from collectors.metrics.host import HostFigures


def test_figures_agree_with_another_reader_of_the_same_host() -> None:
    told = {family: value for family, ((_, value),) in HostFigures().sections()}
    assert told[catalogue.MACHINE_MEMORY] == psutil.virtual_memory().total
    assert told[catalogue.MACHINE_SWAP] == psutil.swap_memory().total
    assert told[catalogue.MACHINE_CPU_CORES] == os.cpu_count()
    cores = psutil.cpu_count(logical=False)
    if cores is not None:
        assert told[catalogue.MACHINE_CPU_PHYSICAL_CORES] == cores
    assert 1 <= told[catalogue.MACHINE_CPU_SOCKETS] <= told[catalogue.MACHINE_CPU_CORES]


def test_oom_kills_are_the_kernels_count_and_absent_without_one(tmp_path: pathlib.Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:       1024 kB\nSwapTotal:       0 kB\n")
    figures = HostFigures(proc=str(tmp_path), sys=str(tmp_path), rootfs=str(tmp_path))
    told = dict(figures.sections())
    assert catalogue.HOST_OOM_KILLS not in told and catalogue.MACHINE_CPU_SOCKETS not in told
    assert told[catalogue.MACHINE_SWAP] == [("", 0)]
    (tmp_path / "vmstat").write_text("pgfault 5\noom_kill 3\n")
    assert dict(figures.sections())[catalogue.HOST_OOM_KILLS] == [("", 3)]


def test_the_machine_is_named_by_what_can_be_read_and_by_nothing_odd(tmp_path: pathlib.Path) -> None:
    for name, text in (
        ("root/etc/machine-id", 'a"},evil="1\n'),
        ("root/var/lib/dbus/machine-id", "3d12\n"),
        ("proc/sys/kernel/random/boot_id", "b-1\n"),
        ("proc/meminfo", "MemTotal: 1 kB\n"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    figures = HostFigures(proc=f"{tmp_path}/proc", sys=str(tmp_path), rootfs=f"{tmp_path}/root")
    assert dict(figures.sections())[catalogue.MACHINE_MEMORY] == [('machine_id="3d12",boot_id="b-1"', 1024)]


def test_the_layout_is_told_where_it_is_asked_for() -> None:
    plain = {family for family, _ in HostFigures().sections()}
    whole = dict(HostFigures(with_topology=True).sections())
    assert catalogue.MACHINE_THREAD_SIBLINGS not in plain
    samples = whole[catalogue.MACHINE_THREAD_SIBLINGS]
    assert len(samples) == os.cpu_count() and all("boot_id=" in labels for labels, _ in samples)
