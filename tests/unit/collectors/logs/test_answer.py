from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

from collectors.logs.answer import answer, bounds_of
from collectors.logs.formats import Unreadable
from collectors.logs.query import LogQuery
from collectors.logs.record import LogTarget
from collectors.logs.segment import Budget
from collectors.model import LogSource
from tests.unit.collectors.logs.logfile import LogFile


def target(name: str, path: pathlib.Path, runs: list[tuple[int, float]] | None = None) -> LogTarget:
    return LogTarget(
        id=f"/{name}",
        source=LogSource(path=str(path), format="cri"),
        container={"id": f"/{name}", "name": name},
        runs=runs or [],
    )


@pytest.fixture
def targets(tmp_path: pathlib.Path) -> list[LogTarget]:
    """Two containers that print in turn: a0 b0 a1 b1 …"""
    a, b = LogFile(tmp_path / "a.log"), LogFile(tmp_path / "b.log")
    for number in range(100):
        for log, other, name in ((a, b, "a"), (b, a, "b")):
            log.write(f"{name}{number}")
            other.time = log.time
    return [target("a", a.path), target("b", b.path)]


def asked(targets: list[LogTarget], **words: Any) -> list[dict[str, Any]]:
    query = LogQuery(targets=targets, **words)
    scratch = str(pathlib.Path(targets[0].source.path).parent)
    return [json.loads(line) for line in answer(query, scratch, Budget(1 << 30))]


def messages(records: list[dict[str, Any]]) -> list[str]:
    return [record["message"] for record in records]


def test_the_newest_first_over_all_containers(targets: list[LogTarget]) -> None:
    assert messages(asked(targets, limit=3)) == ["b99", "a99", "b98"]


def test_the_oldest_first_over_all_containers(targets: list[LogTarget]) -> None:
    records = asked(targets, limit=3, direction="forward")
    assert messages(records) == ["a0", "b0", "a1"]
    assert [record["container"]["name"] for record in records] == ["a", "b", "a"]


def test_the_newest_of_each_in_either_order(targets: list[LogTarget]) -> None:
    assert messages(asked(targets, tail_per_container=2, direction="forward")) == ["a98", "b98", "a99", "b99"]
    assert messages(asked(targets, tail_per_container=1)) == ["b99", "a99"]


def test_a_filter_counts_before_the_limit(targets: list[LogTarget]) -> None:
    assert messages(asked(targets, grep="^a.5$", limit=2)) == ["a95", "a85"]
    assert asked(targets, stream="stderr") == []


def test_a_range_is_inclusive_on_both_sides(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("".join(f"1970-01-01T00:01:{second:02d}Z stdout F {second}\n" for second in range(60)))
    assert messages(asked([target("x", path)], since=75.0, until=77.0, direction="forward")) == [
        "15",
        "16",
        "17",
    ]


def test_the_run_before_the_newest(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("".join(f"1970-01-01T00:01:{second:02d}Z stdout F {second}\n" for second in range(60)))
    one = target("x", path, [(1, 60.0), (2, 100.0), (3, 110.0)])
    records = asked([one], previous=True, direction="forward")
    assert messages(records) == [str(second) for second in range(40, 50)]
    assert {record["run"] for record in records} == {2}
    assert asked([target("x", path, [(1, 60.0)])], previous=True) == []


def test_times_are_exact_to_what_a_float_holds() -> None:
    query = LogQuery(since=1_795_486_577.5, until=1_795_486_577.25)
    assert bounds_of(query, target("x", pathlib.Path("/x"))) == (
        1_795_486_577_500_000_000,
        1_795_486_577_250_000_000,
    )


def test_a_container_without_a_file_has_nothing_to_say(
    targets: list[LogTarget], tmp_path: pathlib.Path
) -> None:
    assert len(asked([*targets, target("gone", tmp_path / "gone.log")], limit=1000)) == 200


def test_one_that_cannot_be_read_does_not_hide_the_others(
    targets: list[LogTarget], tmp_path: pathlib.Path
) -> None:
    odd = LogTarget(id="/odd", source=LogSource(path=str(tmp_path / "a.log"), format="xml"), container={})
    skipped: list[str] = []
    lines = list(
        answer(LogQuery(targets=[*targets, odd], limit=1000), str(tmp_path), Budget(1 << 30), skipped)
    )
    assert len(lines) == 200
    assert len(skipped) == 1
    assert "xml" in skipped[0]
    with pytest.raises(Unreadable):
        list(answer(LogQuery(targets=[odd]), str(tmp_path), Budget(1 << 30), []))
