"""CPUs and memory nodes."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.metrics import catalogue, cpuset
from collectors.metrics.catalogue import INDEX
from collectors.metrics.plan import Host, Pace
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies


def _parsed(recorded: Any, *contents: bytes) -> list[Value]:
    values: list[Value] = [None] * len(catalogue.ROW)
    (plan,) = cpuset.probe(recorded.host)
    assert plan.pace is Pace.RARE
    plan.parse(contents, values)
    return [values[INDEX[family]] for family in catalogue.CPUSET]


@pytest.mark.parametrize(
    ("content", "numbers"),
    [(b"0-3,8\n", [0, 1, 2, 3, 8]), (b"5\n", [5]), (b"\n", []), (b"0-1,4-5\n", [0, 1, 4, 5])],
)
def test_a_list_names_its_members(content: bytes, numbers: list[int]) -> None:
    assert cpuset.members(content) == numbers


def test_what_a_container_may_use(v1: Any, v2: Any) -> None:
    assert _parsed(v1, b"0,2-3\n", b"0-1\n", b"1\n") == [1, 3, 2]
    assert _parsed(v2, b"0,2-3\n", b"0-1\n") == [None, 3, 2]


def test_a_file_that_is_not_there_is_absent(v1: Any, v2: Any) -> None:
    assert _parsed(v1, b"", b"", b"") == [None, None, None]
    assert _parsed(v2, b"", b"") == [None, None, None]


def test_a_host_without_the_controller_says_so() -> None:
    with pytest.raises(NotSupported, match="controller cpuset"):
        cpuset.probe(Host(Hierarchies({}, None)))
