"""Huge pages."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.metrics import catalogue, hugetlb
from collectors.metrics.catalogue import INDEX
from collectors.metrics.plan import Host
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies


def _read(recorded: Any, without: str = "") -> list[Value]:
    """What the plans make of the files, of which those named so are missing."""
    values: list[Value] = [None] * len(catalogue.ROW)
    for plan in hugetlb.probe(recorded.host):
        files = [recorded.at(file.controller, "/box/web") / file.name for file in plan.files]
        plan.parse([file.read_bytes() if file.name != without else b"" for file in files], values)
    return [values[INDEX[family]] for family in catalogue.HUGETLB]


def _sizes(small: int, large: int) -> Value:
    return ((',pagesize="2MB"', small), (',pagesize="1GB"', large))


def test_each_size_by_its_name_smallest_first(v1: Any, v2: Any) -> None:
    for recorded, most in ((v1, _sizes(4194304, 0)), (v2, None)):
        recorded.make("/box/web")
        assert _read(recorded) == [_sizes(2097152, 0), most, _sizes(3, 0)]


def test_a_size_without_a_file_is_absent(v2: Any) -> None:
    v2.make("/box/web")
    usage, _, _ = _read(v2, without="hugetlb.1GB.current")
    assert usage == ((',pagesize="2MB"', 2097152),)


def test_small_huge_pages_are_named_in_kilobytes(v2: Any) -> None:
    (v2.directory / "sys/kernel/mm/hugepages/hugepages-64kB").mkdir()
    names = [file.name for file in hugetlb.probe(v2.host)[0].files]
    assert names == ["hugetlb.64KB.current", "hugetlb.2MB.current", "hugetlb.1GB.current"]


def test_why_there_is_none(v1: Any) -> None:
    with pytest.raises(NotSupported, match="controller hugetlb"):
        hugetlb.probe(Host(Hierarchies({}, None)))
    for size in ("hugepages-1048576kB", "hugepages-2048kB"):
        (v1.directory / "sys/kernel/mm/hugepages" / size).rmdir()
    with pytest.raises(NotSupported, match="no huge pages"):
        hugetlb.probe(v1.host)
    (v1.directory / "sys/kernel/mm/hugepages").rmdir()
    with pytest.raises(NotSupported, match="no huge pages"):
        hugetlb.probe(v1.host)
