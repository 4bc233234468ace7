"""Block devices."""

from __future__ import annotations

from typing import Any

from collectors.metrics import catalogue, io
from collectors.metrics.catalogue import INDEX
from collectors.metrics.rows import Value


def _parsed(recorded: Any, *contents: bytes) -> list[Value]:
    values: list[Value] = [None] * len(catalogue.ROW)
    for plan, content in zip(io.probe(recorded.host), contents, strict=True):
        plan.parse((content,), values)
    return values


def test_devices_are_named_as_in_dev_and_by_number_without_a_name(v2: Any) -> None:
    values = _parsed(v2, b"8:0 rbytes=1 wbytes=2 rios=3 wios=4\n254:9 rbytes=5 wbytes=6 rios=7 wios=8\n")
    assert values[INDEX[catalogue.FS_READS_BYTES]] == ((',device="/dev/sda"', 1), (',device="254:9"', 5))
    assert values[INDEX[catalogue.FS_WRITES]] == ((',device="/dev/sda"', 4), (',device="254:9"', 8))


def test_no_line_for_a_device_is_absent_and_a_zero_of_the_kernel_is_a_zero(either: Any) -> None:
    empty = (b"Total 0\n", b"Total 0\n") if either.version == 1 else (b"",)
    assert _parsed(either, *empty) == [None] * len(catalogue.ROW)
    if either.version == 1:
        zeros = (b"8:0 Read 0\n8:0 Write 0\n8:0 Total 0\nTotal 0\n",) * 2
    else:
        zeros = (b"8:0 rbytes=0 wbytes=0 rios=0 wios=0\n",)
    assert _parsed(either, *zeros)[INDEX[catalogue.FS_READS]] == ((',device="/dev/sda"', 0),)


def test_older_v1_kernels_count_without_the_subtree(v1: Any) -> None:
    (v1.at("blkio", "/") / "blkio.throttle.io_serviced_recursive").unlink()
    assert [file.name for plan in io.probe(v1.host) for file in plan.files] == [
        "blkio.throttle.io_service_bytes",
        "blkio.throttle.io_serviced",
    ]
