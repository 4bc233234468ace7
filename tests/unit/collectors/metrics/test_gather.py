"""One row of one container: every value, both versions, and what is missing stays missing."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import pytest

from collectors.cgroups.reader import Descriptors
from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX, ROW, Family
from collectors.metrics.gather import Gatherer, Vanished
from collectors.metrics.rows import Row
from collectors.metrics.target import ROOT, Target

TICKS = os.sysconf("SC_CLK_TCK")

# What both versions say of the recorded container.
COMMON: dict[Family, Any] = {
    catalogue.CPU_USAGE: ((',cpu="total"', 1.5),),
    catalogue.CFS_PERIODS: 7,
    catalogue.CFS_THROTTLED_PERIODS: 3,
    catalogue.CFS_THROTTLED_SECONDS: 2.0,
    catalogue.CFS_BURST_PERIODS: 2,
    catalogue.CFS_BURST_SECONDS: 0.5,
    catalogue.MEMORY_USAGE: 12288,
    catalogue.MEMORY_WORKING_SET: 10288,
    catalogue.MEMORY_RSS: 4096,
    catalogue.MEMORY_CACHE: 8192,
    catalogue.MEMORY_MAPPED_FILE: 1024,
    catalogue.MEMORY_SWAP: 15,
    catalogue.MEMORY_KERNEL: 512,
    catalogue.MEMORY_MAX_USAGE: 20480,
    catalogue.MEMORY_ACTIVE_FILE: 6000,
    catalogue.MEMORY_INACTIVE_FILE: 2000,
    catalogue.MEMORY_DIRTY: 11,
    catalogue.MEMORY_WRITEBACK: 12,
    catalogue.MEMORY_REFAULT_ANON: 13,
    catalogue.MEMORY_REFAULT_FILE: 14,
    catalogue.MEMORY_LIMIT_RATIO: 10288 / 1048576,
    catalogue.OOM_EVENTS: 2,
    catalogue.FS_READS_BYTES: ((',device="/dev/sda"', 4096),),
    catalogue.FS_READS: ((',device="/dev/sda"', 1),),
    catalogue.FS_WRITES_BYTES: ((',device="/dev/sda"', 8192),),
    catalogue.FS_WRITES: ((',device="/dev/sda"', 2),),
    catalogue.THREADS: 4,
    catalogue.PROCESSES: 2,
    catalogue.THREADS_MAX: 0,
    catalogue.SPEC_CPU_PERIOD: 100000,
    catalogue.SPEC_CPU_QUOTA: 50000,
    catalogue.SPEC_CPU_BURST: 0.02,
    catalogue.CPU_LIMIT_CORES: 0.5,
    catalogue.CPU_EFFECTIVE_CORES: 0.5,
    catalogue.SPEC_MEMORY_LIMIT: 1048576,
    catalogue.SPEC_MEMORY_EFFECTIVE_LIMIT: 1048576,
    catalogue.SPEC_MEMORY_SWAP_LIMIT: 0,
    catalogue.SPEC_MEMORY_RESERVATION: 0,
    catalogue.START_TIME: 1700000001.0,
    catalogue.LAST_SEEN: 123.0,
}


def _faults(*counts: int) -> tuple[tuple[str, int], ...]:
    labels = [(kind, scope) for kind in ("pgfault", "pgmajfault") for scope in ("container", "hierarchy")]
    return tuple(
        (f',failure_type="{kind}",scope="{scope}"', count)
        for (kind, scope), count in zip(labels, counts, strict=True)
    )


def _usage(**counts: int) -> tuple[tuple[str, int], ...]:
    return tuple(
        (f',device="/dev/sda",major="8",minor="0",operation="{name}"', count)
        for name, count in counts.items()
    )


ONLY: dict[int, dict[Family, Any]] = {
    1: {
        catalogue.CPU_USER: 100 / TICKS,
        catalogue.CPU_SYSTEM: 50 / TICKS,
        catalogue.MEMORY_FAILCNT: 5,
        catalogue.MEMORY_FAILURES: _faults(3, 30, 4, 40),
        catalogue.SPEC_CPU_SHARES: 512,
        catalogue.MEMORY_RECLAIMABLE: 8000,
        catalogue.BLKIO_DEVICE_USAGE: _usage(Read=4096, Write=8192, Sync=0, Total=12288),
    },
    2: {
        catalogue.CPU_USER: 1.0,
        catalogue.CPU_SYSTEM: 0.5,
        catalogue.MEMORY_FAILURES: _faults(30, 30, 40, 40),
        catalogue.MEMORY_EVENTS_LOW: 0,
        catalogue.MEMORY_EVENTS_HIGH: 6,
        catalogue.MEMORY_EVENTS_MAX: 5,
        catalogue.MEMORY_EVENTS_OOM: 3,
        catalogue.MEMORY_EVENTS_OOM_GROUP_KILL: 0,
        catalogue.MEMORY_RECLAIMABLE: 8300,
        catalogue.MEMORY_ACTIVATE_ANON: 3,
        catalogue.MEMORY_ACTIVATE_FILE: 4,
        catalogue.MEMORY_RECLAIM_SCANNED: ((',reclaimer="kswapd"', 10), (',reclaimer="direct"', 40)),
        catalogue.MEMORY_RECLAIM_TAKEN: ((',reclaimer="kswapd"', 20), (',reclaimer="direct"', 40)),
        catalogue.SPEC_MEMORY_HIGH: 524288,
        catalogue.BLKIO_DEVICE_USAGE: _usage(Read=4096, Write=8192),
        catalogue.MEMORY_PGSCAN: 50,
        catalogue.MEMORY_PGSTEAL: 60,
        catalogue.SPEC_CPU_SHARES: 2 + 19 * 262142 // 9999,
        catalogue.PRESSURE_CPU_WAITING: 2.5,
        catalogue.PRESSURE_CPU_STALLED: 0.5,
        catalogue.PRESSURE_MEMORY_WAITING: 2.5,
        catalogue.PRESSURE_MEMORY_STALLED: 0.5,
        catalogue.PRESSURE_IO_WAITING: 2.5,
        catalogue.PRESSURE_IO_STALLED: 0.5,
        catalogue.PRESSURE_IRQ_STALLED: 0.25,
    },
}


def gatherer(recorded: Any, budget: int | None = None, **switches: bool) -> Gatherer:
    return Gatherer(dataclasses.replace(recorded.host, switches=switches), Descriptors(budget))


def target(path: str = "/box/web") -> Target:
    made = Target(path)
    made.labels = f'id="{path}"'
    made.pid_start = TICKS
    return made


def told(row: Row) -> dict[Family, Any]:
    return {family: value for family, value in zip(ROW, row.values, strict=True) if value is not None}


@pytest.mark.parametrize("budget", [None, 0], ids=["kept", "opened"])
def test_every_value_of_a_container(either: Any, budget: int | None) -> None:
    either.make("/box/web")
    row = gatherer(either, budget).row(target(), 123.0)
    assert told(row) == COMMON | ONLY[either.version]
    assert (row.id, row.labels, row.final) == ("/box/web", 'id="/box/web"', False)


def test_without_a_quota_there_is_no_throttling(either: Any) -> None:
    either.make("/box/web")
    if either.version == 1:
        either.write("cpu", "/box/web", "cpu.cfs_quota_us", "-1\n")
    else:
        either.write("cpu", "/box/web", "cpu.max", "max 100000\n")
    values = told(gatherer(either).row(target(), 1.0))
    assert values[catalogue.SPEC_CPU_PERIOD] == 100000
    absent = {
        catalogue.SPEC_CPU_QUOTA,
        catalogue.SPEC_CPU_BURST,
        catalogue.CPU_LIMIT_CORES,
        *ROW[INDEX[catalogue.CFS_PERIODS] : INDEX[catalogue.CFS_BURST_SECONDS] + 1],
    }
    assert not absent & set(values)


def test_files_that_the_kernel_does_not_have_are_absent_values(v2: Any) -> None:
    v2.make("/box/web")
    for name in ("memory.peak", "memory.swap.current", "cgroup.procs", "memory.events"):
        (v2.at("", "/box/web") / name).unlink()
    values = told(gatherer(v2).row(target(), 1.0))
    missing = {
        catalogue.MEMORY_MAX_USAGE,
        catalogue.MEMORY_SWAP,
        catalogue.PROCESSES,
        *ROW[INDEX[catalogue.MEMORY_EVENTS_LOW] : INDEX[catalogue.OOM_EVENTS] + 1],
    }
    assert set(values) == set(COMMON | ONLY[2]) - missing


def test_a_device_nobody_counts_for_is_absent(v1: Any) -> None:
    v1.make("/box/web")
    for name in ("blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_serviced_recursive"):
        v1.write("blkio", "/box/web", name, "Total 0\n")
    values = told(gatherer(v1).row(target(), 1.0))
    assert not any(family.collector == "io" for family in values)


def test_working_set_is_never_negative(either: Any) -> None:
    either.make("/box/web")
    either.write(
        "memory", "/box/web", "memory.usage_in_bytes" if either.version == 1 else "memory.current", "100\n"
    )
    assert told(gatherer(either).row(target(), 1.0))[catalogue.MEMORY_WORKING_SET] == 0


def test_the_root_has_what_the_root_has(v2: Any) -> None:
    values = told(gatherer(v2).row(target(ROOT), 1.0))
    assert values[catalogue.MEMORY_USAGE] == 4096 + 8192
    assert values[catalogue.START_TIME] == 1700000000
    assert catalogue.THREADS not in values


def test_switched_off_collectors_say_nothing_but_a_quota_still_counts(either: Any) -> None:
    either.make("/box/web")
    made = gatherer(either, spec=False, memory=False)
    values = told(made.row(target(), 1.0))
    assert {family.collector for family in values} & {"spec", "memory"} == set()
    assert values[catalogue.CFS_PERIODS] == 7
    assert "spec" not in made.reasons and "memory" not in made.reasons


SIZES = (',pagesize="2MB"', ',pagesize="1GB"')
NODES = {
    1: tuple(
        (f',type="{kind}",scope="{scope}",node="0"', pages)
        for scope, counts in (("container", (2, 1, 0)), ("hierarchy", (20, 10, 0)))
        for kind, pages in zip(("file", "anon", "unevictable"), counts, strict=True)
    ),
    2: tuple(
        (f',type="{kind}",scope="hierarchy",node="0"', pages)
        for kind, pages in (("anon", 1), ("file", 2), ("unevictable", 0))
    ),
}
SWITCHED_ON: dict[int, dict[Family, Any]] = {
    1: {
        catalogue.CPU_USAGE: ((',cpu="cpu00"', 1.0), (',cpu="cpu01"', 0.0), (',cpu="cpu02"', 0.5)),
        catalogue.HUGETLB_MAX_USAGE: ((SIZES[0], 4194304), (SIZES[1], 0)),
        catalogue.MEMORY_MIGRATE: 1,
    },
    2: {catalogue.CPU_USAGE: ((',cpu="total"', 1.5),)},
}


def test_what_is_off_by_default_is_told_when_switched_on_and_else_not_even_opened(either: Any) -> None:
    either.make("/box/web")
    names = ("percpu", "hugetlb", "memory_numa", "cpuset")
    made = gatherer(either, **dict.fromkeys(names, True))
    values = told(made.row(target(), 1.0))
    assert values == COMMON | ONLY[either.version] | SWITCHED_ON[either.version] | {
        catalogue.HUGETLB_USAGE: ((SIZES[0], 2097152), (SIZES[1], 0)),
        catalogue.HUGETLB_FAILCNT: ((SIZES[0], 3), (SIZES[1], 0)),
        catalogue.MEMORY_NUMA_PAGES: NODES[either.version],
        catalogue.CPUSET_CPUS: 2,
        catalogue.CPUSET_MEMORY_NODES: 1,
        catalogue.LAST_SEEN: 1.0,
    }
    assert ("does not count" in made.reasons["percpu"]) == (either.version == 2)
    usual = gatherer(either)
    opened = {file.name for plan in usual.usual_files() for file in plan}
    assert not any(word in name for name in opened for word in ("hugetlb", "numa", "cpuset", "percpu"))
    assert not set(names) & set(usual.reasons)


def test_limits_are_read_again_when_due(either: Any) -> None:
    either.make("/box/web")
    made, web = gatherer(either), target()
    made.row(web, 1.0)
    either.write(
        "memory", "/box/web", "memory.limit_in_bytes" if either.version == 1 else "memory.max", "4096\n"
    )
    assert told(made.row(web, 2.0))[catalogue.SPEC_MEMORY_LIMIT] == 1048576
    web.due = 0
    assert told(made.row(web, 3.0))[catalogue.SPEC_MEMORY_LIMIT] == 4096


def _events(recorded: Any, count: int) -> None:
    if recorded.version == 1:
        recorded.write("memory", "/box/web", "memory.oom_control", f"oom_kill {count}\n")
    else:
        recorded.write("memory", "/box/web", "memory.events", f"high 0\nmax 0\noom_kill {count}\n")


def test_still_files_are_read_when_anything_else_changed_and_in_a_final_reading(either: Any) -> None:
    either.make("/box/web")
    made, web = gatherer(either), target()
    made.row(web, 1.0)
    _events(either, 9)
    assert told(made.row(web, 2.0))[catalogue.OOM_EVENTS] == 2
    either.write("pids", "/box/web", "pids.current", "5\n")
    assert told(made.row(web, 3.0))[catalogue.OOM_EVENTS] == 9
    _events(either, 10)
    row = made.row(web, 4.0, final=True)
    assert row.final and told(row)[catalogue.OOM_EVENTS] == 10


def test_still_files_are_read_when_due_though_nothing_else_changed(either: Any) -> None:
    either.make("/box/web")
    made, web = gatherer(either), target()
    made.row(web, 1.0)
    _events(either, 9)
    web.due = 0
    assert told(made.row(web, 2.0))[catalogue.OOM_EVENTS] == 9


def test_a_quota_that_came_tells_of_throttling_though_the_counts_are_as_before(either: Any) -> None:
    either.make("/box/web")
    name = "cpu.cfs_quota_us" if either.version == 1 else "cpu.max"
    either.write("cpu", "/box/web", name, "-1\n" if either.version == 1 else "max 100000\n")
    made, web = gatherer(either), target()
    assert catalogue.CFS_PERIODS not in told(made.row(web, 1.0))
    either.write("cpu", "/box/web", name, "50000\n" if either.version == 1 else "50000 100000\n")
    web.due = 0
    assert told(made.row(web, 2.0))[catalogue.CFS_PERIODS] == 7


def test_a_container_outside_the_cpu_controller_is_never_taken_for_still(v1: Any) -> None:
    v1.make("/box/web")
    for name in ("cpuacct", "cpu"):
        for file in v1.at(name, "/box/web").iterdir():
            file.unlink()
        v1.at(name, "/box/web").rmdir()
    made, web = gatherer(v1), target()
    made.row(web, 1.0)
    _events(v1, 9)
    values = told(made.row(web, 2.0))
    assert values[catalogue.OOM_EVENTS] == 9
    assert not any(family.collector == "cpu" for family in values)


def test_a_removed_cgroup_vanishes_and_lets_its_descriptors_go(either: Any) -> None:
    either.make("/box/web")
    descriptors = Descriptors(None)
    made, web = Gatherer(either.host, descriptors), target()
    made.row(web, 1.0)
    assert descriptors.kept > 0
    for controller in either.files:
        for file in either.at(controller, "/box/web").iterdir():
            file.unlink()
        either.at(controller, "/box/web").rmdir()
    web.seen = [None] * len(web.seen)
    with pytest.raises(Vanished):
        made.row(web, 2.0)
    assert descriptors.kept == 0 and web.cgroup is None
    with pytest.raises(Vanished):
        made.row(web, 3.0)


def test_a_cgroup_that_comes_again_under_its_path_is_read_anew(v2: Any) -> None:
    v2.make("/box/web")
    made, web = gatherer(v2, budget=0), target()
    made.row(web, 1.0)
    v2.at("", "/box/web").rename(v2.directory / "gone")
    v2.make("/box/web")
    v2.write("", "/box/web", "memory.current", "99999\n")
    assert told(made.row(web, 2.0))[catalogue.MEMORY_USAGE] == 99999


def test_what_cannot_be_understood_is_counted_and_costs_that_collector_alone(either: Any) -> None:
    either.make("/box/web")
    either.write("pids", "/box/web", "pids.current", "many\n")
    made = gatherer(either)
    values = told(made.row(target(), 1.0))
    assert made.errors["pids"] == 1 and sum(made.errors.values()) == 1
    assert catalogue.THREADS not in values and values[catalogue.MEMORY_RSS] == 4096


def test_a_directory_without_descriptors_left_is_read_by_path(either: Any) -> None:
    either.make("/box/web")
    either.make("/box/other")
    descriptors = Descriptors(14)
    made = Gatherer(either.host, descriptors)
    rows = [made.row(target(path), 123.0) for path in ("/box/web", "/box/other")]
    assert 0 < descriptors.kept <= 14
    assert told(rows[0]) == told(rows[1])


def test_costs_are_told_by_collector(either: Any) -> None:
    either.make("/box/web")
    made = gatherer(either)
    made.row(target(), 1.0)
    assert set(made.costs) == set(made.reasons) - {name for name, why in made.reasons.items() if why}
    assert made.costs["cpu"] > 0 and made.costs["spec"] > 0


def test_the_place_that_a_process_told_outlives_it(v1: Any) -> None:
    v1.make("/box/web")
    v1.make("/box/memory")
    v1.write("memory", "/box/memory", "memory.usage_in_bytes", "777216\n")
    (v1.at("memory", "/box/memory") / "memory.failcnt").unlink()
    v1.process(7, start=TICKS)
    cgroup = v1.directory / "proc/7/cgroup"
    cgroup.write_text("4:memory:/box/memory\n3:cpu:/box\n")
    made, web = gatherer(v1), target()
    web.pid = 7
    values = told(made.row(web, 1.0))
    assert values[catalogue.MEMORY_USAGE] == 777216
    assert catalogue.CFS_PERIODS not in values and catalogue.CPU_USAGE in values
    cgroup.unlink()
    (v1.directory / "proc/7/stat").unlink()
    assert told(made.row(web, 2.0, final=True))[catalogue.MEMORY_USAGE] == 777216
