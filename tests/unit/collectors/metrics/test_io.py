"""Block devices."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.metrics import catalogue, io
from collectors.metrics.catalogue import INDEX
from collectors.metrics.rows import Value

OPERATIONS = ("Read", "Write", "Async", "Total")


def _parsed(recorded: Any, *contents: bytes) -> list[Value]:
    values: list[Value] = [None] * len(catalogue.ROW)
    for plan, content in zip(io.probe(recorded.host), contents, strict=True):
        plan.parse((content,), values)
    return values


def _read(recorded: Any, path: str = "/box/web") -> list[Value]:
    """What the files of that cgroup say, by all plans."""
    values: list[Value] = [None] * len(catalogue.ROW)
    for plan in io.probe(recorded.host):
        plan.parse(
            [(recorded.at(file.controller, path) / file.name).read_bytes() for file in plan.files], values
        )
    return values


def _disk(recorded: Any, name: str, schedulers: str) -> None:
    queue = recorded.directory / f"sys/block/{name}/queue"
    queue.mkdir(parents=True)
    (queue / "scheduler").write_text(schedulers + "\n")


def _written(recorded: Any, files: dict[str, str]) -> None:
    """Files that the root and /box/web have beside the others."""
    recorded.make("/box/web")
    for path in ("/", "/box/web"):
        for name, content in files.items():
            recorded.write("blkio", path, name, content)


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


def test_usage_by_operation_is_what_the_kernel_lists(v1: Any, v2: Any) -> None:
    device = ',device="/dev/sda",major="8",minor="0",operation='
    one = _parsed(v1, b"8:0 Read 1\n8:0 Write 2\n8:0 Async 3\n8:0 Total 3\nTotal 3\n", b"")
    two = _parsed(v2, b"8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n")
    usage = INDEX[catalogue.BLKIO_DEVICE_USAGE]
    assert one[usage] == tuple(
        (f'{device}"{name}"', n) for name, n in zip(OPERATIONS, (1, 2, 3, 3), strict=True)
    )
    assert two[usage] == ((device + '"Read"', 1), (device + '"Write"', 2))


def test_io_cost_is_told_in_seconds_where_a_device_has_it(v2: Any) -> None:
    values = _parsed(
        v2,
        b"8:0 rbytes=1 wbytes=2 rios=3 wios=4 cost.usage=2500000 cost.wait=500000 cost.indebt=0 cost.indelay=0\n"
        b"254:9 rbytes=5 wbytes=6 rios=7 wios=8\n",
    )
    assert values[INDEX[catalogue.FS_IO_COST_USAGE]] == ((',device="/dev/sda"', 2.5),)
    assert values[INDEX[catalogue.FS_IO_COST_WAIT]] == ((',device="/dev/sda"', 0.5),)
    assert values[INDEX[catalogue.FS_IO_COST_INDELAY]] == ((',device="/dev/sda"', 0.0),)
    assert _parsed(v2, b"8:0 rbytes=1\n")[INDEX[catalogue.FS_IO_COST_USAGE]] is None


def test_a_scheduler_that_counts_is_believed_for_its_disks_and_the_throttle_layer_for_the_rest(
    v1: Any,
) -> None:
    _disk(v1, "sda", "none mq-deadline [bfq]")
    _written(
        v1,
        {
            "blkio.bfq.io_service_bytes_recursive": "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\nTotal 30\n",
            "blkio.bfq.io_serviced_recursive": "8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 3\n",
            "blkio.throttle.io_service_bytes_recursive": "8:0 Read 7\n8:0 Total 7\n254:9 Read 8\n254:9 Write 9\nTotal 24\n",
            "blkio.throttle.io_serviced_recursive": "Total 0\n",
        },
    )
    values = _read(v1)
    assert dict(values[INDEX[catalogue.FS_READS_BYTES]] or ()) == {  # type: ignore[arg-type]
        ',device="/dev/sda"': 10,
        ',device="254:9"': 8,
    }
    assert values[INDEX[catalogue.FS_WRITES]] == ((',device="/dev/sda"', 2),)
    assert values[INDEX[catalogue.FS_READS_MERGED]] is None


@pytest.mark.parametrize(
    ("scheduler", "prefix"), [("[cfq] deadline", "blkio"), ("none [bfq]", "blkio.bfq")], ids=["cfq", "bfq"]
)
def test_what_only_some_schedulers_tell(v1: Any, scheduler: str, prefix: str) -> None:
    _disk(v1, "sda", scheduler)
    numbers = "8:0 Read 2000000000\n8:0 Write 500000000\n8:0 Total 2500000000\nTotal 2500000000\n"
    names = ("io_service_bytes", "io_serviced", "io_merged", "io_service_time", "io_queued")
    _written(v1, {f"{prefix}.{name}_recursive": numbers for name in names})
    values = _read(v1)
    told = {
        catalogue.FS_READS_MERGED: 2000000000,
        catalogue.FS_WRITES_MERGED: 500000000,
        catalogue.FS_READ_SECONDS: 2.0,
        catalogue.FS_WRITE_SECONDS: 0.5,
        catalogue.FS_IO_TIME: 2.5,
        catalogue.FS_IO_CURRENT: 2500000000,
    }
    for family, value in told.items():
        assert values[INDEX[family]] == ((',device="/dev/sda"', value),)


def test_a_scheduler_that_no_disk_has_is_not_read(v1: Any) -> None:
    _disk(v1, "sda", "none [mq-deadline] bfq")
    _written(v1, {"blkio.bfq.io_serviced_recursive": "Total 0\n"})
    assert not any("bfq" in file.name for plan in io.probe(v1.host) for file in plan.files)


def test_older_v1_kernels_count_without_the_subtree(v1: Any) -> None:
    for name in ("io_serviced", "io_service_bytes"):
        (v1.at("blkio", "/") / f"blkio.throttle.{name}_recursive").unlink()
    assert [file.name for plan in io.probe(v1.host) for file in plan.files] == [
        "blkio.throttle.io_service_bytes",
        "blkio.throttle.io_serviced",
    ]
