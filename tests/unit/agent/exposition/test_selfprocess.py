"""`process_*` of the agent: the same numbers that the client library reads, without listing every descriptor."""

from __future__ import annotations

import os
import pathlib

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.process_collector import ProcessCollector

from agent.exposition.selfprocess import ProcessFigures


def _figures(collector: ProcessFigures | ProcessCollector) -> dict[str, float]:
    return {sample.name: sample.value for metric in collector.collect() for sample in metric.samples}


def test_the_figures_are_the_client_librarys() -> None:
    ours, theirs = _figures(ProcessFigures()), _figures(ProcessCollector(registry=None))
    assert ours.keys() == theirs.keys()
    for name in ("process_start_time_seconds", "process_max_fds"):
        assert ours[name] == pytest.approx(theirs[name], abs=0.02)
    assert ours["process_resident_memory_bytes"] == pytest.approx(
        theirs["process_resident_memory_bytes"], rel=0.2
    )


def test_open_files_are_counted() -> None:
    before = _figures(ProcessFigures())["process_open_fds"]
    descriptors = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
    try:
        assert _figures(ProcessFigures())["process_open_fds"] == before + 20
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def test_it_reads_below_the_given_proc(tmp_path: pathlib.Path) -> None:
    (tmp_path / "stat").write_text("cpu 1\nbtime 1000\n")
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "stat").write_text("7 (a) b) " + " ".join(["S", *["100"] * 40]))
    (tmp_path / "self" / "fd").symlink_to("/proc/self/fd")
    found = _figures(ProcessFigures(str(tmp_path)))
    assert found["process_start_time_seconds"] == 1000 + 100 / os.sysconf("SC_CLK_TCK")
    assert found["process_open_fds"] > 2


def test_it_is_registered_once() -> None:
    registry = CollectorRegistry()
    registry.register(ProcessFigures())
    with pytest.raises(ValueError, match="process_"):
        registry.register(ProcessFigures())
