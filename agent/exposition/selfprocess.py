"""The agent's own process as every Prometheus client shows it: `process_*`.

Like the client library's collector, but for the count of open files: an agent holds a descriptor for each of
the thousands of files that it reads, and listing them all takes longer than some scrapes.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class ProcessFigures(Collector):
    """Memory, CPU time, start and descriptors of this process. Source: proc_pid_stat(5), from utime to rss."""

    def __init__(self, proc: str = "/proc") -> None:
        self._directory = f"{proc}/self"
        self._boot = _boot_time(proc)

    def describe(self) -> list[Metric]:
        """Names for the registry's check that no family is there twice."""
        return list(self.collect())

    def collect(self) -> Iterator[Metric]:
        """The figures as they are now."""
        with open(f"{self._directory}/stat", "rb") as file:
            # Behind the command, which may hold anything.
            fields = file.read().rpartition(b")")[2].split()
        user, system, start, size, resident = (int(fields[at]) for at in (11, 12, 19, 20, 21))
        yield _gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", size)
        yield _gauge("process_resident_memory_bytes", "Resident memory size in bytes.", resident * _PAGE)
        yield _gauge(
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            self._boot + start / _TICKS,
        )
        yield CounterMetricFamily(
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            value=(user + system) / _TICKS,
        )
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        yield _gauge("process_max_fds", "Maximum number of open file descriptors.", limit)
        yield _gauge("process_open_fds", "Number of open file descriptors.", self._open_files())

    def _open_files(self) -> int:
        """Linux tells it as the directory's size since 6.2; before, it is to be counted."""
        directory = f"{self._directory}/fd"
        return os.stat(directory).st_size or len(os.listdir(directory))


def _gauge(name: str, help: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help, value=value)


def _boot_time(proc: str) -> int:
    with open(f"{proc}/stat", "rb") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(b"btime "))
