"""What v1 files say."""

from __future__ import annotations

import os

import pytest

from collectors.cgroups import v1


@pytest.mark.parametrize(
    ("content", "limit"),
    [(b"1048576\n", 1048576), (b"0\n", 0), (b"9223372036854771712\n", 0), (b"9223372036854710272\n", 0)],
)
def test_an_unlimited_number_is_no_limit_whatever_the_page_size(content: bytes, limit: int) -> None:
    assert v1.byte_limit(content) == limit


def test_ticks_are_seconds_of_user_hz() -> None:
    assert v1.ticks(os.sysconf("SC_CLK_TCK") * 3) == 3.0


def test_operations_per_device_without_the_total_of_all() -> None:
    content = (
        b"8:16 Read 5\n8:16 Write 6\n8:16 Sync 1\n8:16 Async 10\n8:16 Discard 0\n8:16 Total 11\n"
        b"253:0 Read 7\n253:0 Total 7\nTotal 18\n"
    )
    operations = {b"Read": 5, b"Write": 6, b"Sync": 1, b"Async": 10, b"Discard": 0, b"Total": 11}
    assert v1.device_operations(content) == {b"8:16": operations, b"253:0": {b"Read": 7, b"Total": 7}}


def test_a_total_alone_tells_of_no_device() -> None:
    assert v1.device_operations(b"Total 0\n") == {}
    assert v1.device_operations(b"") == {}
