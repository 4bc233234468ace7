"""CPU time, and throttling where there is a quota."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.cgroups import v1
from collectors.cgroups.keyed import Keyed
from collectors.cgroups.procs import content_of
from collectors.metrics import catalogue
from collectors.metrics.cpuset import members
from collectors.metrics.plan import Census, File, Host, Pace, Parse, Plan
from collectors.metrics.rows import Value
from collectors.metrics.throttling import Throttling
from runtime.linux.errors import NotSupported

_USAGE = catalogue.INDEX[catalogue.CPU_USAGE]
_USER = catalogue.INDEX[catalogue.CPU_USER]
_SYSTEM = catalogue.INDEX[catalogue.CPU_SYSTEM]
_PERIODS = catalogue.INDEX[catalogue.CFS_PERIODS]
_THROTTLED_PERIODS = catalogue.INDEX[catalogue.CFS_THROTTLED_PERIODS]
_THROTTLED_SECONDS = catalogue.INDEX[catalogue.CFS_THROTTLED_SECONDS]
_BURST_PERIODS = catalogue.INDEX[catalogue.CFS_BURST_PERIODS]
_BURST_SECONDS = catalogue.INDEX[catalogue.CFS_BURST_SECONDS]
_QUOTA = catalogue.INDEX[catalogue.SPEC_CPU_QUOTA]

_TOTAL = ',cpu="total"'
_CFS = (b"nr_periods", b"nr_throttled", b"nr_bursts")


def probe(host: Host) -> tuple[Plan | Census, ...]:
    """cpuacct beside cpu on v1, cpu.stat alone on v2."""
    throttling = Throttling().census()
    if _is_v2(host):
        families = catalogue.ROW[_USAGE : _BURST_SECONDS + 1]
        return (Plan((File("unified", "cpu.stat", keep=90),), families, _parse_v2), throttling)
    usage = Plan((File("cpuacct", "cpuacct.usage", keep=90),), (catalogue.CPU_USAGE,), _parse_v1_usage)
    return (
        *(() if host.switched_on("percpu") else (usage,)),
        # Who ran in neither mode used nothing: this file is read after the one before it.
        Plan(
            (File("cpuacct", "cpuacct.stat", keep=90),),
            (catalogue.CPU_USER, catalogue.CPU_SYSTEM),
            _parse_v1_modes,
            Pace.STILL,
        ),
        Plan(
            (File("cpu", "cpu.stat", keep=20),),
            catalogue.ROW[_PERIODS : _BURST_SECONDS + 1],
            _parse_v1_throttling,
            needs=catalogue.SPEC_CPU_QUOTA,
        ),
        throttling,
    )


def probe_percpu(host: Host) -> tuple[Plan, ...]:
    """CPU time of each CPU in place of the total."""
    if _is_v2(host):
        raise NotSupported('cgroup v2 does not count CPU time per CPU; it is told with cpu="total" instead')
    file = File("cpuacct", "cpuacct.usage_percpu", keep=90)
    return (Plan((file,), (catalogue.CPU_USAGE,), _percpu_parser(_present(host.sys))),)


def _present(sys: str) -> frozenset[int]:
    """Numbers of the CPUs that the host has, on or off; none where sysfs does not tell."""
    return frozenset(members(content_of(f"{sys}/devices/system/cpu/present")))


def _is_v2(host: Host) -> bool:
    return host.hierarchy("cpuacct", "cpu", "unified").version == 2


_v1_stat = Keyed((b"user", b"system"))
_v1_cfs = Keyed((*_CFS, b"throttled_time", b"burst_time"))


def _parse_v1_usage(contents: Sequence[bytes], values: list[Value]) -> None:
    if contents[0]:
        values[_USAGE] = ((_TOTAL, int(contents[0]) / 1e9),)


def _percpu_parser(present: frozenset[int]) -> Parse:
    def parse(contents: Sequence[bytes], values: list[Value]) -> None:
        # The kernel lists every CPU that there could be; one that came later has been used.
        told = (
            (f',cpu="cpu{number:02d}"', int(nanoseconds) / 1e9)
            for number, nanoseconds in enumerate(contents[0].split())
            if number in present or nanoseconds != b"0"
        )
        values[_USAGE] = tuple(told) or None

    return parse


def _parse_v1_modes(contents: Sequence[bytes], values: list[Value]) -> None:
    if contents[0]:
        user, system = _v1_stat.values(contents[0])
        values[_USER] = None if user is None else v1.ticks(user)
        values[_SYSTEM] = None if system is None else v1.ticks(system)


def _parse_v1_throttling(contents: Sequence[bytes], values: list[Value]) -> None:
    if contents[0] and values[_QUOTA] is not None:
        _throttling(_v1_cfs.values(contents[0]), 1e9, values)


_v2_stat = Keyed((b"usage_usec", b"user_usec", b"system_usec"))
_v2_cfs = Keyed((*_CFS, b"throttled_usec", b"burst_usec"))


def _parse_v2(contents: Sequence[bytes], values: list[Value]) -> None:
    (stat,) = contents
    if not stat:
        return
    usage, user, system = _v2_stat.values(stat)
    if usage is not None:
        values[_USAGE] = ((_TOTAL, usage / 1e6),)
    if user is not None:
        values[_USER] = user / 1e6
    if system is not None:
        values[_SYSTEM] = system / 1e6
    if values[_QUOTA] is not None:
        _throttling(_v2_cfs.values(stat), 1e6, values)


def _throttling(counters: Sequence[int | None], second: float, values: list[Value]) -> None:
    """Periods, throttled periods, burst periods, throttled time and burst time, in units of 1/second."""
    periods, throttled, bursts, throttled_time, burst_time = counters
    values[_PERIODS] = periods
    values[_THROTTLED_PERIODS] = throttled
    values[_BURST_PERIODS] = bursts
    if throttled_time is not None:
        values[_THROTTLED_SECONDS] = throttled_time / second
    if burst_time is not None:
        values[_BURST_SECONDS] = burst_time / second
