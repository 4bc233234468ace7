"""Row 3: one whole `GET /metrics` with 1,000 containers, against the C reader plus `generate_latest`.

Makes 1,000 cgroups under an own name, starts an agent that selects them, and scrapes it as Prometheus does
(gzip). CPU is the agent process' own, per scrape. The second half has a workload print as fast as it can, so
that monitor and log worker are busy all the while. Repeat it with `python -m tests.bench.row_03_scrape`, as root.
"""

from __future__ import annotations

import gzip
import os
import pathlib
import shutil
import statistics
import tempfile
import time
import uuid

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from collectors.cgroups.reader import Descriptors
from collectors.metrics.gather import Gatherer
from collectors.metrics.plan import Host
from runtime.linux import hierarchies
from tests.bench.agent import Agent, agent
from tests.bench.row_01_read import C, cgroups, files_of
from tests.bench.table import LeftOut, Result

SCRAPES = 50
HEADERS = {"Accept-Encoding": "gzip", "Accept": "text/plain; version=0.0.4"}
# Further apart than a reading may be reused, so that each scrape reads the host.
SPACING = 0.15

CONFIGURATION = """
inventory: {{docker: {{enabled: false}}, cgroup: {{include: ["{parent}/*"]}}}}
runtime: {{on_exit: stop, cgroup_parent: /{own}}}
workloads_dir: {directory}/none
"""
NOISY = """
workloads:
  - name: noisy
    rootfs: host
    command: [/bin/sh, -c, 'yes "a line of log of one hundred and fifteen bytes, as containers print them all day long, again and again and again"']
    logs: {max_size: 32Mi, max_files: 2, compress: false}
"""


class Parsed(Collector):
    """The samples of a scrape, as prometheus_client holds them."""

    def __init__(self, body: str) -> None:
        self._metrics = [
            family for family in text_string_to_metric_families(body) if family.name.startswith("container_")
        ]

    def collect(self):
        """All of them."""
        return iter(self._metrics)


def scrapes(one: Agent) -> tuple[float, list[float]]:
    """CPU milliseconds of the agent per scrape, and the wall milliseconds of each."""
    one.get("/metrics", HEADERS)
    walls: list[float] = []
    before = one.own_cpu_seconds()
    for _ in range(SCRAPES):
        start = time.perf_counter()
        status, _ = one.get("/metrics", HEADERS)
        walls.append((time.perf_counter() - start) * 1e3)
        assert status == 200
        time.sleep(SPACING)
    return (one.own_cpu_seconds() - before) / SCRAPES * 1e3, walls


def rendering(body: str, runs: int = 5) -> float:
    """Median CPU milliseconds of `generate_latest` for the same samples."""
    registry = CollectorRegistry()
    registry.register(Parsed(body))
    costs = []
    for _ in range(runs + 1):
        start = time.process_time()
        generate_latest(registry)
        costs.append((time.process_time() - start) * 1e3)
    return statistics.median(costs[1:])


def tail(walls: list[float]) -> float:
    """The 99th percentile: of fifty the greatest."""
    return sorted(walls)[int(len(walls) * 0.99)]


def main() -> None:
    """Print row 3, quiet and beside a log path at full rate."""
    if os.geteuid() != 0 or shutil.which("gcc") is None:
        print(LeftOut("3", "one whole GET /metrics with 1,000 containers", "needs root and gcc"))
        return
    trees = hierarchies.detect()
    with tempfile.TemporaryDirectory() as text, cgroups(trees, 1000) as paths:
        directory = pathlib.Path(text)
        gatherer = Gatherer(Host(trees), Descriptors(0))
        cold, warm = C(directory).milliseconds(
            [file for path in paths for file in files_of(gatherer, trees, path)]
        )
        gatherer.close()
        values = {
            "parent": paths[0].rpartition("/")[0],
            "own": f"deckwatch-bench-{uuid.uuid4().hex[:8]}",
            "directory": text,
        }
        for name in ("none", "quiet", "noisy"):
            (directory / name).mkdir()
        with agent(directory / "quiet", CONFIGURATION.format(**values)) as quiet:
            body = gzip.decompress(quiet.get("/metrics", HEADERS)[1]).decode()
            render = rendering(body)
            cpu, walls = scrapes(quiet)
        samples = sum(not line.startswith("#") for line in body.splitlines())
        note = f"{samples} samples, {len(body) / 1e6:.1f} MB; C {warm:.1f} (cold {cold:.1f}) + generate_latest {render:.1f}"
        print(
            Result(
                "3",
                "CPU of one GET /metrics, 1,000 containers",
                cpu,
                warm + render,
                "ms",
                0.2,
                "C + generate_latest",
                note,
            )
        )
        median = statistics.median(walls)
        print(Result("3", "p99 of 50 scrapes", tail(walls), median, "ms", 2, "their median"))
        with agent(directory / "noisy", CONFIGURATION.format(**values) + NOISY) as noisy:
            time.sleep(3)
            _, walls = scrapes(noisy)
        median = statistics.median(walls)
        print(
            Result(
                "3", "p99 of 50 scrapes, log path at full rate", tail(walls), median, "ms", 2, "their median"
            )
        )
        print(Result("3", "the longest of them", max(walls), 1000, "ms", 1, "1 s"))


if __name__ == "__main__":
    main()
