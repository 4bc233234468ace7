"""Recorded hosts: cgroup trees of plain files, as v1 and v2 kernels show them, alone and beside each other."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping

from collectors.metrics.plan import Host
from runtime.linux.hierarchies import Hierarchies, Hierarchy

PAGE = os.sysconf("SC_PAGE_SIZE")
STAT_V1 = """cache 1
rss 2
total_cache 8192
total_rss 4096
total_rss_huge 0
total_shmem 0
total_mapped_file 1024
total_dirty 11
total_writeback 12
total_workingset_refault_anon 13
total_workingset_refault_file 14
total_swap 15
pgfault 3
pgmajfault 4
total_pgfault 30
total_pgmajfault 40
total_inactive_file 2000
total_active_file 6000
"""
STAT_V2 = """anon 4096
file 8192
kernel 512
file_mapped 1024
file_dirty 11
file_writeback 12
inactive_file 2000
active_file 6000
slab_reclaimable 300
workingset_refault_anon 13
workingset_refault_file 14
workingset_activate_anon 3
workingset_activate_file 4
pgscan 50
pgsteal 60
pgscan_kswapd 10
pgscan_direct 40
pgsteal_kswapd 20
pgsteal_direct 40
pgfault 30
pgmajfault 40
"""
PRESSURE = """some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000
full avg10=0.00 avg60=0.00 avg300=0.00 total=500000
"""
# The kernel lists four possible CPUs; the host has two, and has had a third.
V1: Mapping[str, Mapping[str, str]] = {
    "cpuacct": {
        "cpuacct.usage": "1500000000\n",
        "cpuacct.usage_percpu": "1000000000 0 500000000 0 \n",
        "cpuacct.stat": "user 100\nsystem 50\n",
    },
    "cpu": {
        "cpu.stat": "nr_periods 7\nnr_throttled 3\nthrottled_time 2000000000\nnr_bursts 2\nburst_time 500000000\n",
        "cpu.cfs_period_us": "100000\n",
        "cpu.cfs_quota_us": "50000\n",
        "cpu.cfs_burst_us": "20000\n",
        "cpu.shares": "512\n",
    },
    "memory": {
        "memory.usage_in_bytes": "12288\n",
        "memory.stat": STAT_V1,
        "memory.max_usage_in_bytes": "20480\n",
        "memory.failcnt": "5\n",
        "memory.kmem.usage_in_bytes": "512\n",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        "memory.limit_in_bytes": "1048576\n",
        "memory.memsw.limit_in_bytes": "9223372036854771712\n",
        "memory.soft_limit_in_bytes": "9223372036854771712\n",
        "memory.numa_stat": "total=3 N0=3\nfile=2 N0=2\nanon=1 N0=1\nunevictable=0 N0=0\n"
        "hierarchical_total=30 N0=30\nhierarchical_file=20 N0=20\nhierarchical_anon=10 N0=10\n"
        "hierarchical_unevictable=0 N0=0\n",
    },
    "blkio": {
        "blkio.throttle.io_service_bytes_recursive": "8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 0\n8:0 Total 12288\nTotal 12288\n",
        "blkio.throttle.io_serviced_recursive": "8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 3\n",
    },
    "pids": {"pids.current": "4\n", "pids.max": "max\n", "cgroup.procs": "10\n11\n"},
    "cpuset": {
        "cpuset.effective_cpus": "0-1\n",
        "cpuset.effective_mems": "0\n",
        "cpuset.memory_migrate": "1\n",
    },
    "hugetlb": {
        "hugetlb.2MB.usage_in_bytes": "2097152\n",
        "hugetlb.2MB.max_usage_in_bytes": "4194304\n",
        "hugetlb.2MB.failcnt": "3\n",
        "hugetlb.1GB.usage_in_bytes": "0\n",
        "hugetlb.1GB.max_usage_in_bytes": "0\n",
        "hugetlb.1GB.failcnt": "0\n",
    },
}
V2: Mapping[str, str] = {
    "cpu.stat": "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 7\nnr_throttled 3\n"
    "throttled_usec 2000000\nnr_bursts 2\nburst_usec 500000\n",
    "cpu.max": "50000 100000\n",
    "cpu.max.burst": "20000\n",
    "cpu.weight": "20\n",
    "memory.current": "12288\n",
    "memory.stat": STAT_V2,
    "memory.peak": "20480\n",
    "memory.swap.current": "15\n",
    "memory.events": "low 0\nhigh 6\nmax 5\noom 3\noom_kill 2\noom_group_kill 0\n",
    "memory.max": "1048576\n",
    "memory.high": "524288\n",
    "memory.numa_stat": f"anon N0={PAGE}\nfile N0={2 * PAGE}\nkernel_stack N0={PAGE}\nunevictable N0=0\n",
    "cpuset.cpus.effective": "0-1\n",
    "cpuset.mems.effective": "0\n",
    "hugetlb.2MB.current": "2097152\n",
    "hugetlb.2MB.events": "max 3\n",
    "hugetlb.1GB.current": "0\n",
    "hugetlb.1GB.events": "max 0\n",
    "memory.swap.max": "max\n",
    "memory.min": "0\n",
    "io.stat": "8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n",
    "pids.current": "4\n",
    "pids.max": "max\n",
    "cgroup.procs": "10\n11\n",
    "cpu.pressure": PRESSURE,
    "memory.pressure": PRESSURE,
    "io.pressure": PRESSURE,
    "irq.pressure": "full avg10=0.00 avg60=0.00 avg300=0.00 total=250000\n",
}
# Files that the root of a hierarchy lacks: limits, and on v2 current use.
NOT_ON_ROOT = frozenset(
    ("memory.current", "memory.max", "memory.high", "cpu.max", "cpu.max.burst", "pids.current", "pids.max")
)
NET_DEV = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     999       9    0    0    0     0          0         0      999       9    0    0    0     0       0          0
  eth0:    1000      10    1    2    0     0          0         0     2000      20    3    4    0     0       0          0
"""


class RecordedHost:
    """A host under one directory; `make(path)` gives it a cgroup with every file its version has.

    `hybrid` puts a v2 tree with pressure files, and no controller, beside those of v1.
    """

    def __init__(self, directory: pathlib.Path, version: int, *, hybrid: bool = False) -> None:
        self.version = version
        self.directory = directory
        (directory / "proc/pressure").mkdir(parents=True)
        (directory / "proc/pressure/cpu").touch()
        (directory / "proc/pressure/irq").touch()
        (directory / "proc/stat").write_text("cpu 1 2\nbtime 1700000000\n")
        (directory / "proc/self/net").mkdir(parents=True)
        (directory / "proc/self/net/dev").write_text(NET_DEV)
        (directory / "proc/sys/kernel").mkdir(parents=True)
        (directory / "proc/sys/kernel/task_delayacct").write_text("0\n")
        (directory / "sys/dev/block/8:0").mkdir(parents=True)
        (directory / "sys/dev/block/8:0/uevent").write_text("MAJOR=8\nMINOR=0\nDEVNAME=sda\nDEVTYPE=disk\n")
        (directory / "sys/devices/system/cpu").mkdir(parents=True)
        (directory / "sys/devices/system/cpu/online").write_text("0-1\n")
        (directory / "sys/devices/system/cpu/present").write_text("0-1\n")
        for size in (1048576, 2048):
            (directory / f"sys/kernel/mm/hugepages/hugepages-{size}kB").mkdir(parents=True)
        self.files: dict[str, Mapping[str, str]] = dict(V1) if version == 1 else {"": V2}
        if hybrid:
            self.files["unified"] = {name: V2[name] for name in V2 if name.endswith(".pressure")}
        for controller, files in self.files.items():
            (directory / "cgroup" / controller).mkdir(parents=True)
            for name in files:
                if "limit" not in name and name not in NOT_ON_ROOT:
                    (directory / "cgroup" / controller / name).write_text(files[name])
        tree = str(directory / "cgroup")
        if version == 1:
            v1 = {name: Hierarchy(1, frozenset((name,)), f"{tree}/{name}") for name in V1}
            unified = Hierarchy(2, frozenset(), f"{tree}/unified") if hybrid else None
            self.hierarchies = Hierarchies(v1, unified, f"{directory}/proc")
        else:
            controllers = frozenset(("cpu", "memory", "io", "pids", "cpuset", "hugetlb"))
            self.hierarchies = Hierarchies({}, Hierarchy(2, controllers, tree), f"{directory}/proc")
        self.host = Host(self.hierarchies, f"{directory}/proc", f"{directory}/sys")

    def make(self, path: str) -> None:
        for controller, files in self.files.items():
            self.at(controller, path).mkdir(parents=True)
            for name, content in files.items():
                (self.at(controller, path) / name).write_text(content)

    def at(self, controller: str, path: str) -> pathlib.Path:
        return self.directory / "cgroup" / (controller if self.version == 1 else "") / path.strip("/")

    def write(self, controller: str, path: str, name: str, content: str) -> None:
        (self.at(controller, path) / name).write_text(content)

    def process(self, pid: int, net_dev: str | pathlib.Path | None = None, start: int = 0) -> pathlib.Path:
        """A process started at that tick; processes that share a namespace share the file, as the kernel shares its inode."""
        directory = self.directory / f"proc/{pid}/net"
        directory.mkdir(parents=True)
        (directory.parent / "stat").write_text(f"{pid} (x) S " + "0 " * 18 + f"{start} 0\n")
        if isinstance(net_dev, pathlib.Path):
            (directory / "dev").hardlink_to(net_dev)
        else:
            (directory / "dev").write_text(net_dev or NET_DEV)
        return directory / "dev"
