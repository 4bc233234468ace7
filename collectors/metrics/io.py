"""Bytes and operations per block device."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from collectors.cgroups import v1, v2
from collectors.metrics import catalogue
from collectors.metrics.plan import File, Host, Pace, Plan
from collectors.metrics.rows import Value

_READS_BYTES = catalogue.INDEX[catalogue.FS_READS_BYTES]
_READS = catalogue.INDEX[catalogue.FS_READS]
_WRITES_BYTES = catalogue.INDEX[catalogue.FS_WRITES_BYTES]
_WRITES = catalogue.INDEX[catalogue.FS_WRITES]
_FAMILIES = catalogue.ROW[_READS_BYTES : _WRITES + 1]


class Devices:
    """Label text of block devices: `,device="/dev/vda"`, or the numbers where sysfs has no name.

    Source: Documentation/ABI/stable/sysfs-block, uevent.
    """

    def __init__(self, sys: str) -> None:
        self._sys = sys
        self._known: dict[bytes, str] = {}

    def __getitem__(self, numbers: bytes) -> str:
        if numbers not in self._known:
            self._known[numbers] = f',device="{self._name(numbers.decode())}"'
        return self._known[numbers]

    def _name(self, numbers: str) -> str:
        try:
            with open(f"{self._sys}/dev/block/{numbers}/uevent", encoding="utf-8", errors="replace") as file:
                fields = dict(line.rstrip().partition("=")[::2] for line in file)
        except OSError:
            return numbers
        name = fields.get("DEVNAME", "")
        return f"/dev/{name}" if name else numbers


def probe(host: Host) -> tuple[Plan, ...]:
    """io.stat on v2; on v1 what the throttle layer counts, for whatever scheduler the disk has."""
    devices = Devices(host.sys)
    hierarchy = host.hierarchy("blkio", "io")
    if hierarchy.version == 2:
        return (Plan((File("io", "io.stat", keep=55),), _FAMILIES, _parser_v2(devices)),)
    # Before Linux 5.0 only the cgroup's own I/O is counted; a container seldom has cgroups of its own.
    recursive = "_recursive"
    if not os.path.exists(f"{hierarchy.mountpoint}/blkio.throttle.io_serviced{recursive}"):
        recursive = ""
    return (
        Plan(
            (File("blkio", f"blkio.throttle.io_service_bytes{recursive}", keep=30),),
            (catalogue.FS_READS_BYTES, catalogue.FS_WRITES_BYTES),
            _parser_v1(devices, _READS_BYTES, _WRITES_BYTES),
        ),
        # An operation either moves bytes or was asked for by somebody who ran.
        Plan(
            (File("blkio", f"blkio.throttle.io_serviced{recursive}", keep=30),),
            (catalogue.FS_READS, catalogue.FS_WRITES),
            _parser_v1(devices, _READS, _WRITES),
            Pace.STILL,
        ),
    )


def _parser_v1(
    devices: Devices, reads_at: int, writes_at: int
) -> Callable[[Sequence[bytes], list[Value]], None]:
    def parse(contents: Sequence[bytes], values: list[Value]) -> None:
        if found := v1.device_operations(contents[0]):
            values[reads_at] = tuple((devices[device], reads) for device, reads, _ in found)
            values[writes_at] = tuple((devices[device], writes) for device, _, writes in found)

    return parse


def _parser_v2(devices: Devices) -> Callable[[Sequence[bytes], list[Value]], None]:
    places = (
        (_READS_BYTES, b"rbytes"),
        (_READS, b"rios"),
        (_WRITES_BYTES, b"wbytes"),
        (_WRITES, b"wios"),
    )

    def parse(contents: Sequence[bytes], values: list[Value]) -> None:
        if not contents[0]:
            return
        found = [(devices[device], counters) for device, counters in v2.device_counters(contents[0])]
        for place, key in places:
            values[place] = (
                tuple((label, counters[key]) for label, counters in found if key in counters) or None
            )

    return parse
