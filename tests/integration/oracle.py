"""What the kernel's own files say of a container, read without any of the project's collectors.

Each family of a container's row is said here once more, straight from the kernel's documents, so that
the agent's numbers have something to be compared with.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from runtime.linux import mountinfo

Own = frozenset[tuple[str, str]]
Values = dict[tuple[str, Own], float]

TICKS = os.sysconf("SC_CLK_TCK")
NONE: Own = frozenset()

V1_STAT = {
    "container_memory_rss": "total_rss",
    "container_memory_cache": "total_cache",
    "container_memory_mapped_file": "total_mapped_file",
    "container_memory_swap": "total_swap",
    "container_memory_total_active_file_bytes": "total_active_file",
    "container_memory_total_inactive_file_bytes": "total_inactive_file",
    "container_memory_file_dirty_bytes": "total_dirty",
    "container_memory_file_writeback_bytes": "total_writeback",
    "container_memory_workingset_refault_file_total": "total_workingset_refault_file",
    "container_memory_workingset_refault_anon_total": "total_workingset_refault_anon",
}
V2_STAT = {
    "container_memory_rss": "anon",
    "container_memory_cache": "file",
    "container_memory_mapped_file": "file_mapped",
    "container_memory_kernel_usage": "kernel",
    "container_memory_total_active_file_bytes": "active_file",
    "container_memory_total_inactive_file_bytes": "inactive_file",
    "container_memory_file_dirty_bytes": "file_dirty",
    "container_memory_file_writeback_bytes": "file_writeback",
    "container_memory_pgscan_total": "pgscan",
    "container_memory_pgsteal_total": "pgsteal",
    "container_memory_workingset_refault_file_total": "workingset_refault_file",
    "container_memory_workingset_refault_anon_total": "workingset_refault_anon",
    "container_memory_workingset_activate_file_total": "workingset_activate_file",
    "container_memory_workingset_activate_anon_total": "workingset_activate_anon",
}
NETWORK = {
    "receive_bytes": 0, "receive_packets": 1, "receive_errors": 2, "receive_packets_dropped": 3,
    "transmit_bytes": 8, "transmit_packets": 9, "transmit_errors": 10, "transmit_packets_dropped": 11,
}  # fmt: skip


class Cgroup:
    """The cgroup of a process in every hierarchy, found through mountinfo and /proc/PID/cgroup."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._directories: dict[str, str] = {}
        self._roots: dict[str, str] = {}
        self._v1: set[str] = set()
        mounts = [
            mount
            for mount in mountinfo.read()
            if mount.fs_type in ("cgroup", "cgroup2") and mount.root == "/"
        ]
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            for line in file:
                _, controllers, path = line.rstrip("\n").split(":", 2)
                for mount in mounts:
                    if mount.fs_type == "cgroup2" and not controllers:
                        self._directories["unified"] = mount.target + path
                        self._roots["unified"] = mount.target
                    for controller in controllers.split(",") if mount.fs_type == "cgroup" else ():
                        if controller in mount.super_options:
                            self._directories[controller] = mount.target + path
                            self._roots[controller] = mount.target
                            self._v1.add(controller)

    def is_v1(self, controller: str) -> bool:
        """Whether a controller sits in a v1 hierarchy here."""
        return controller in self._v1

    def read(self, controller: str, name: str) -> str | None:
        """One file, or None where it does not exist."""
        return _read(f"{self._directories.get(controller) or self._directories.get('unified')}/{name}")

    def lineage(self, controller: str, name: str) -> list[str]:
        """That file of the cgroup and of each ancestor that has it, nearest first."""
        known = controller if controller in self._directories else "unified"
        directory, root = self._directories.get(known, ""), self._roots.get(known, "/")
        found = []
        while directory.startswith(root):
            found.append(_read(f"{directory}/{name}"))
            directory = os.path.dirname(directory)
        return [text for text in found if text is not None]

    def number(self, controller: str, name: str) -> int | None:
        """A file of one number; `max` is 0, as no limit is."""
        text = self.read(controller, name)
        return None if text is None else 0 if text.strip() == "max" else int(text)

    def keyed(self, controller: str, name: str) -> dict[str, int]:
        """A file of `key number` lines."""
        text = self.read(controller, name) or ""
        return {fields[0]: int(fields[1]) for line in text.splitlines() if len(fields := line.split()) == 2}

    def values(self) -> Values:
        """Every family the kernel offers for this container now, by name and own labels."""
        found: Values = {}
        for name, own, value in (
            *self._cpu(), *self._memory(), *self._io(), *self._pids(), *self._pressure(), *self._network(),
        ):  # fmt: skip
            if value is not None:
                found[name, frozenset(own.items())] = value
        return found

    def _cpu(self) -> Iterable[tuple[str, dict[str, str], float | None]]:
        stat = self.keyed("cpu", "cpu.stat")
        if self.is_v1("cpu"):
            ticks = self.keyed("cpuacct", "cpuacct.stat")
            usage = (self.number("cpuacct", "cpuacct.usage") or 0) / 1e9
            user, system = ticks["user"] / TICKS, ticks["system"] / TICKS
            quota, period = (
                self.number("cpu", "cpu.cfs_quota_us") or -1,
                self.number("cpu", "cpu.cfs_period_us"),
            )
            shares: float | None = self.number("cpu", "cpu.shares")
            throttled, burst = stat["throttled_time"] / 1e9, stat.get("burst_time", 0) / 1e9
        else:
            usage, user, system = (stat[key] / 1e6 for key in ("usage_usec", "user_usec", "system_usec"))
            first, second = (self.read("cpu", "cpu.max") or "max 100000").split()
            quota, period = -1 if first == "max" else int(first), int(second)
            shares = 2 + ((self.number("cpu", "cpu.weight") or 1) - 1) * 262142 // 9999
            throttled, burst = stat["throttled_usec"] / 1e6, stat.get("burst_usec", 0) / 1e6
        yield "container_cpu_usage_seconds_total", {"cpu": "total"}, usage
        yield "container_cpu_user_seconds_total", {}, user
        yield "container_cpu_system_seconds_total", {}, system
        yield "container_spec_cpu_period", {}, period
        yield "container_spec_cpu_shares", {}, shares
        yield "container_cpu_effective_cores", {}, min(self._cores())
        if quota > 0:
            saved = self.number("cpu", "cpu.cfs_burst_us" if self.is_v1("cpu") else "cpu.max.burst")
            yield "container_spec_cpu_burst_seconds", {}, None if saved is None else saved / 1e6
            yield "container_cpu_limit_cores", {}, quota / (period or 1)
            yield "container_spec_cpu_quota", {}, quota
            yield "container_cpu_cfs_periods_total", {}, stat["nr_periods"]
            yield "container_cpu_cfs_throttled_periods_total", {}, stat["nr_throttled"]
            yield "container_cpu_cfs_throttled_seconds_total", {}, throttled
            if "nr_bursts" in stat:
                yield "container_cpu_cfs_burst_periods_total", {}, stat["nr_bursts"]
                yield "container_cpu_cfs_burst_seconds_total", {}, burst

    def _cores(self) -> Iterable[float]:
        """What each quota on the way to the root allows, and the CPUs there are."""
        if self.is_v1("cpu"):
            quotas = self.lineage("cpu", "cpu.cfs_quota_us")
            limits = list(zip(quotas, self.lineage("cpu", "cpu.cfs_period_us"), strict=True))
        else:
            limits = [(first, second) for first, second in map(str.split, self.lineage("cpu", "cpu.max"))]
        yield from (
            int(quota) / int(period) for quota, period in limits if quota.strip() not in ("max", "-1")
        )
        cpus = "cpuset.effective_cpus" if self.is_v1("cpuset") else "cpuset.cpus.effective"
        told = [text.strip() for text in self.lineage("cpuset", cpus) if text.strip()]
        yield _members(told[0]) if told else os.cpu_count() or 1

    def _memory(self) -> Iterable[tuple[str, dict[str, str], float | None]]:
        stat = self.keyed("memory", "memory.stat")
        v1 = self.is_v1("memory")
        for name, key in (V1_STAT if v1 else V2_STAT).items():
            yield name, {}, stat.get(key)
        for fault in ("pgfault", "pgmajfault"):
            yield "container_memory_failures_total", _scope(fault, "container"), stat[fault]
            yield (
                "container_memory_failures_total",
                _scope(fault, "hierarchy"),
                stat[f"total_{fault}" if v1 else fault],
            )
        usage = self.number("memory", "memory.usage_in_bytes" if v1 else "memory.current") or 0
        inactive = stat["total_inactive_file" if v1 else "inactive_file"]
        yield "container_memory_usage_bytes", {}, usage
        working_set = max(0, usage - inactive)
        yield "container_memory_working_set_bytes", {}, working_set
        active = stat["total_active_file" if v1 else "active_file"]
        slab = 0 if v1 else stat["slab_reclaimable"]
        yield "container_memory_reclaimable_bytes", {}, inactive + active + slab
        known = self.lineage("memory", "memory.limit_in_bytes" if v1 else "memory.max")
        least = min((int(text) for text in known if text.strip() != "max"), default=1 << 62)
        if least < 1 << 62:
            yield "container_spec_memory_effective_limit_bytes", {}, least
            yield "container_memory_limit_ratio", {}, working_set / least
        yield (
            "container_memory_max_usage_bytes",
            {},
            self.number("memory", "memory.max_usage_in_bytes" if v1 else "memory.peak"),
        )
        if v1:
            yield "container_memory_failcnt", {}, self.number("memory", "memory.failcnt")
            yield "container_memory_kernel_usage", {}, self.number("memory", "memory.kmem.usage_in_bytes")
            yield "container_oom_events_total", {}, self.keyed("memory", "memory.oom_control").get("oom_kill")
            limits = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes")
        else:
            events = self.keyed("memory", "memory.events")
            yield "container_memory_swap", {}, self.number("memory", "memory.swap.current")
            yield "container_oom_events_total", {}, events["oom_kill"]
            yield "container_memory_events_high_total", {}, events["high"]
            yield "container_memory_events_max_total", {}, events["max"]
            yield "container_memory_events_low_total", {}, events["low"]
            yield "container_memory_events_oom_total", {}, events["oom"]
            yield "container_memory_events_oom_group_kill_total", {}, events.get("oom_group_kill")
            yield "container_spec_memory_high_bytes", {}, self.number("memory", "memory.high")
            for who in ("kswapd", "direct"):
                own = {"reclaimer": who}
                yield "container_memory_reclaim_scanned_pages_total", own, stat.get(f"pgscan_{who}")
                yield "container_memory_reclaim_taken_pages_total", own, stat.get(f"pgsteal_{who}")
            limits = ("memory.max", "memory.swap.max", "memory.min")
        for kind, file in zip(("limit", "swap_limit", "reservation_limit"), limits, strict=True):
            limit = self.number("memory", file)
            yield (
                f"container_spec_memory_{kind}_bytes",
                {},
                None if limit is None else limit if limit < 1 << 62 else 0,
            )

    def _io(self) -> Iterable[tuple[str, dict[str, str], float | None]]:
        kinds = (("bytes", "service_bytes"), ("", "serviced"))
        if not self.is_v1("blkio"):
            for line in (self.read("io", "io.stat") or "").splitlines():
                device, *pairs = line.split()
                counts = dict(pair.split("=") for pair in pairs)
                for name, key in (
                    ("reads_bytes", "rbytes"),
                    ("writes_bytes", "wbytes"),
                    ("reads", "rios"),
                    ("writes", "wios"),
                ):
                    if key in counts:
                        yield f"container_fs_{name}_total", {"device": _device(device)}, int(counts[key])
                for operation, key in (("Read", "rbytes"), ("Write", "wbytes")):
                    if key in counts:
                        yield (
                            "container_blkio_device_usage_total",
                            _usage(device, operation),
                            int(counts[key]),
                        )
            return
        for suffix, file in kinds:
            for line in (self.read("blkio", f"blkio.throttle.io_{file}_recursive") or "").splitlines():
                fields = line.split()
                if len(fields) == 3 and suffix:
                    yield "container_blkio_device_usage_total", _usage(*fields[:2]), int(fields[2])
                if len(fields) == 3 and fields[1] in ("Read", "Write"):
                    name = f"container_fs_{fields[1].lower()}s{'_' if suffix else ''}{suffix}_total"
                    yield name, {"device": _device(fields[0])}, int(fields[2])

    def _pids(self) -> Iterable[tuple[str, dict[str, str], float | None]]:
        yield "container_threads", {}, self.number("pids", "pids.current")
        yield "container_threads_max", {}, self.number("pids", "pids.max")
        yield "container_processes", {}, len((self.read("pids", "cgroup.procs") or "").split())

    def _pressure(self) -> Iterable[tuple[str, dict[str, str], float | None]]:
        for resource in ("cpu", "memory", "io", "irq"):
            for line in (self.read("unified", f"{resource}.pressure") or "").splitlines():
                kind, *pairs = line.split()
                total = int(dict(pair.split("=") for pair in pairs)["total"]) / 1e6
                word = {"some": "waiting", "full": "stalled"}[kind]
                yield f"container_pressure_{resource}_{word}_seconds_total", {}, total

    def _network(self) -> Iterable[tuple[str, dict[str, str], float | None]]:
        with open(f"/proc/{self.pid}/net/dev", encoding="utf-8") as file:
            for line in file.readlines()[2:]:
                interface, _, counts = line.partition(":")
                if interface.strip() != "lo":
                    for name, column in NETWORK.items():
                        own = {"interface": interface.strip()}
                        yield f"container_network_{name}_total", own, int(counts.split()[column])


def _scope(fault: str, scope: str) -> dict[str, str]:
    return {"failure_type": fault, "scope": scope}


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return None


def _members(text: str) -> int:
    """How many CPUs `0-3,8` are."""
    ends = [part.partition("-")[::2] for part in text.split(",")]
    return sum(int(last or first) - int(first) + 1 for first, last in ends)


def _usage(device: str, operation: str) -> dict[str, str]:
    major, minor = device.split(":")
    return {"device": _device(device), "major": major, "minor": minor, "operation": operation}


def _device(numbers: str) -> str:
    """`/dev/vda` of `252:0`."""
    return "/dev/" + os.path.basename(os.path.realpath(f"/sys/dev/block/{numbers}"))
