"""One whole exposition per cgroup mode, as it was judged right once: tests/golden.

`DECKWATCH_GOLDEN=write` writes them anew; read the difference before it is committed.
"""

from __future__ import annotations

import os
import pathlib

import pytest

from agent.exposition.labels import base_labels
from agent.exposition.render import render
from collectors.metrics import catalogue
from collectors.metrics.sampler import Sampler
from collectors.model import Container, Entry, Network
from tests.recorded import RecordedHost

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"
MODES = {"v1": (1, False), "hybrid": (1, True), "v2": (2, False)}
# What looks around in threads of its own, or at real processes, has tests of its own.
SWITCHES = dict.fromkeys(("disk", "gpu", "delays", "advtcp"), False)
SWITCHES |= dict.fromkeys(("percpu", "hugetlb", "memory_numa", "cpuset"), True)
NOW = 1_700_000_100.0

# What needs a scheduler or a cost model of the disk that the recorded hosts do not have, or a minute's past.
ONLY_ON_SOME_KERNELS = {
    "container_cpu_throttled_ratio",
    "container_fs_io_cost_indebt_seconds_total",
    "container_fs_io_cost_indelay_seconds_total",
    "container_fs_io_cost_usage_seconds_total",
    "container_fs_io_cost_wait_seconds_total",
    "container_fs_io_current",
    "container_fs_io_time_seconds_total",
    "container_fs_read_seconds_total",
    "container_fs_reads_merged_total",
    "container_fs_write_seconds_total",
    "container_fs_writes_merged_total",
}

WEB = Entry(
    container=Container(
        id="/pods/web", name="web", engine="docker", image="nginx", namespace="shop", pod="web-1",
        container='quo"ted', started_at=NOW - 60, created_at=NOW - 61,
    ),
    pid=10,
    pid_start=5,
    network=Network.OWNER,
)  # fmt: skip


async def exposition(host: RecordedHost, *, openmetrics: bool) -> str:
    sampler = Sampler(
        host.hierarchies, proc=host.host.proc, sys=host.host.sys, collectors=SWITCHES, clock=lambda: NOW
    )
    try:
        sampler.add(WEB, base_labels(WEB))
        reading = await sampler.read()
    finally:
        sampler.close()
    return b"".join(render(reading.rows, [], openmetrics=openmetrics)).decode()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("kind", "openmetrics"), [("prom", False), ("om", True)])
async def test_the_exposition_is_as_it_was(
    mode: str, kind: str, openmetrics: bool, tmp_path: pathlib.Path
) -> None:
    version, hybrid = MODES[mode]
    host = RecordedHost(tmp_path / "host", version, hybrid=hybrid)
    (host.directory / "proc/1/net").mkdir(parents=True)
    (host.directory / "proc/1/net/dev").write_text((host.directory / "proc/self/net/dev").read_text())
    host.make("/pods/web")
    host.process(10, start=5)
    text = await exposition(host, openmetrics=openmetrics)
    file = GOLDEN / f"{mode}.{kind}"
    if os.environ.get("DECKWATCH_GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_every_family_of_a_cgroup_stands_in_one_of_them() -> None:
    """A family that no recorded kernel offers is named above."""
    told = "".join((GOLDEN / f"{mode}.prom").read_text(encoding="utf-8") for mode in MODES)
    missing = {
        family.name
        for family in catalogue.ROW
        if {**catalogue.SWITCHES, **SWITCHES}[family.collector] and f"# TYPE {family.name} " not in told
    }
    assert missing == ONLY_ON_SOME_KERNELS
