"""What was read from and written to each block device, and what that took."""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Callable, Mapping, Sequence

from collectors.cgroups import v1, v2
from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX, Family
from collectors.metrics.plan import File, Host, Pace, Parse, Plan
from collectors.metrics.rows import Value

_USAGE = INDEX[catalogue.BLKIO_DEVICE_USAGE]
_MICROSECONDS, _NANOSECONDS = 1e6, 1e9

# Family, operation or key in the file, and units of it in a second; 0 for what is no time.
_Place = tuple[Family, bytes, float]
_BYTES: tuple[_Place, ...] = (
    (catalogue.FS_READS_BYTES, b"Read", 0),
    (catalogue.FS_WRITES_BYTES, b"Write", 0),
)
_SERVICED: tuple[_Place, ...] = ((catalogue.FS_READS, b"Read", 0), (catalogue.FS_WRITES, b"Write", 0))
_SCHEDULER: Mapping[str, tuple[_Place, ...]] = {
    "io_merged": ((catalogue.FS_READS_MERGED, b"Read", 0), (catalogue.FS_WRITES_MERGED, b"Write", 0)),
    "io_service_time": (
        (catalogue.FS_READ_SECONDS, b"Read", _NANOSECONDS),
        (catalogue.FS_WRITE_SECONDS, b"Write", _NANOSECONDS),
        (catalogue.FS_IO_TIME, b"Total", _NANOSECONDS),
    ),
    "io_queued": ((catalogue.FS_IO_CURRENT, b"Total", 0),),
}
_V2: tuple[_Place, ...] = (
    (catalogue.FS_READS_BYTES, b"rbytes", 0),
    (catalogue.FS_WRITES_BYTES, b"wbytes", 0),
    (catalogue.FS_READS, b"rios", 0),
    (catalogue.FS_WRITES, b"wios", 0),
    (catalogue.FS_IO_COST_USAGE, b"cost.usage", _MICROSECONDS),
    (catalogue.FS_IO_COST_WAIT, b"cost.wait", _MICROSECONDS),
    (catalogue.FS_IO_COST_INDEBT, b"cost.indebt", _MICROSECONDS),
    (catalogue.FS_IO_COST_INDELAY, b"cost.indelay", _MICROSECONDS),
)
_V2_OPERATIONS = ((b"rbytes", b"Read"), (b"wbytes", b"Write"))

_Numbers = Mapping[bytes, Mapping[bytes, int]]


class Devices:
    """Label text of block devices: `,device="/dev/vda"`, or the numbers where sysfs has no name.

    Source: Documentation/ABI/stable/sysfs-block, uevent.
    """

    def __init__(self, sys: str) -> None:
        self._sys = sys
        self._known: dict[bytes, str] = {}
        self._operations: dict[tuple[bytes, bytes], str] = {}

    def __getitem__(self, numbers: bytes) -> str:
        if numbers not in self._known:
            self._known[numbers] = f',device="{self._name(numbers.decode())}"'
        return self._known[numbers]

    def operation(self, numbers: bytes, operation: bytes) -> str:
        """The device with its numbers, and an operation on it."""
        known = self._operations.get((numbers, operation))
        if known is None:
            major, _, minor = numbers.decode().partition(":")
            known = f'{self[numbers]},major="{major}",minor="{minor}",operation="{operation.decode()}"'
            self._operations[numbers, operation] = known
        return known

    def _name(self, numbers: str) -> str:
        try:
            with open(f"{self._sys}/dev/block/{numbers}/uevent", encoding="utf-8", errors="replace") as file:
                fields = dict(line.rstrip().partition("=")[::2] for line in file)
        except OSError:
            return numbers
        name = fields.get("DEVNAME", "")
        return f"/dev/{name}" if name else numbers


def probe(host: Host) -> tuple[Plan, ...]:
    """io.stat on v2; on v1 what a disk's scheduler counts, and the throttle layer for whatever scheduler.

    Source: Documentation/admin-guide/cgroup-v1/blkio-controller.rst.
    """
    devices = Devices(host.sys)
    hierarchy = host.hierarchy("blkio", "io")
    if hierarchy.version == 2:
        return (Plan((File("io", "io.stat", keep=55),), catalogue.IO, _parser_v2(devices)),)
    layers = _Layers(hierarchy.mountpoint, host.sys)
    plans = [
        Plan(
            (*layers.scheduler("io_service_bytes"), layers.throttle("io_service_bytes")),
            (*_families(_BYTES), catalogue.BLKIO_DEVICE_USAGE),
            _parser_v1(devices, _BYTES, usage=True),
        ),
        # An operation either moves bytes or was asked for by somebody who ran.
        Plan(
            (*layers.scheduler("io_serviced"), layers.throttle("io_serviced")),
            _families(_SERVICED),
            _parser_v1(devices, _SERVICED),
            Pace.STILL,
        ),
    ]
    for name, places in _SCHEDULER.items():
        if files := layers.scheduler(name):
            plans.append(Plan(files, _families(places), _parser_v1(devices, places)))
    return tuple(plans)


class _Layers:
    """The v1 files of the layers that count I/O: the schedulers that disks have now, and the throttle layer."""

    def __init__(self, root: str, sys: str) -> None:
        self._root = root
        chosen = _schedulers(sys)
        prefixes = (("bfq", "blkio.bfq"), ("cfq", "blkio"))
        self._prefixes = tuple(prefix for name, prefix in prefixes if f"[{name}]" in chosen)

    def scheduler(self, name: str) -> tuple[File, ...]:
        """What schedulers count under that name; kernels differ in what they have."""
        names = [f"{prefix}.{name}_recursive" for prefix in self._prefixes]
        return tuple(File("blkio", name, keep=30) for name in names if self._exists(name))

    def throttle(self, name: str) -> File:
        """What the throttle layer counts: the cgroup's own I/O alone before Linux 5.0.

        That says nearly as much, for a container seldom has cgroups of its own.
        """
        recursive = f"blkio.throttle.{name}_recursive"
        return File("blkio", recursive if self._exists(recursive) else f"blkio.throttle.{name}", keep=30)

    def _exists(self, name: str) -> bool:
        return os.path.exists(f"{self._root}/{name}")


def _schedulers(sys: str) -> str:
    """What all disks say of their schedulers, the chosen ones in brackets."""
    found = ""
    for path in glob.glob(f"{glob.escape(sys)}/block/*/queue/scheduler"):
        with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
            found += file.read()
    return found


def _families(places: Sequence[_Place]) -> tuple[Family, ...]:
    return tuple(family for family, _, _ in places)


def _parser_v1(devices: Devices, places: Sequence[_Place], *, usage: bool = False) -> Parse:
    fill = _filler(devices, places)

    def parse(contents: Sequence[bytes], values: list[Value]) -> None:
        found: dict[bytes, dict[bytes, int]] = {}
        # A scheduler sees each request of its disk, so its word comes before the throttle layer's.
        for content in reversed(contents):
            found |= v1.device_operations(content)
        if not found:
            return
        fill(found, values)
        if usage:
            values[_USAGE] = tuple(
                (devices.operation(device, operation), count)
                for device, numbers in found.items()
                for operation, count in numbers.items()
            )

    return parse


def _parser_v2(devices: Devices) -> Parse:
    fill = _filler(devices, _V2)

    def parse(contents: Sequence[bytes], values: list[Value]) -> None:
        found = v2.device_counters(contents[0])
        if not found:
            return
        fill(found, values)
        values[_USAGE] = (
            tuple(
                (devices.operation(device, operation), counters[key])
                for device, counters in found.items()
                for key, operation in _V2_OPERATIONS
                if key in counters
            )
            or None
        )

    return parse


def _filler(devices: Devices, places: Sequence[_Place]) -> Callable[[_Numbers, list[Value]], None]:
    """A function that puts the numbers of all devices into each place; None where no device has one."""
    indexed = [(INDEX[family], key, second) for family, key, second in places]

    def fill(found: _Numbers, values: list[Value]) -> None:
        for place, key, second in indexed:
            values[place] = (
                tuple(
                    (devices[device], numbers[key] / second if second else numbers[key])
                    for device, numbers in found.items()
                    if key in numbers
                )
                or None
            )

    return fill
