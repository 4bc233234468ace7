"""Last figures from recorded trees of both versions; what is missing is absent."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from runtime.container import usage

V1 = {
    "cpuacct.usage": "1500000000\n",
    "cpuacct.usage_user": "1000000000\n",
    "cpuacct.usage_sys": "500000000\n",
    "cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 250000000\n",
    "memory.max_usage_in_bytes": "4096\n",
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "blkio.throttle.io_service_bytes": "8:0 Read 100\n8:0 Write 7\n8:16 Read 11\n8:0 Sync 118\nTotal 118\n",
    "pids.peak": "3\n",
}
V2 = {
    "cpu.stat": "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_throttled 4\nthrottled_usec 250000\n",
    "memory.peak": "4096\n",
    "memory.events": "low 0\nhigh 0\nmax 9\noom 2\noom_kill 2\n",
    "io.stat": "8:0 rbytes=100 wbytes=7 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=11 wbytes=0\n",
    "pids.peak": "3\n",
}
EXPECTED = {
    "cpu_seconds": 1.5,
    "cpu_user_seconds": 1.0,
    "cpu_system_seconds": 0.5,
    "throttled_periods": 4,
    "throttled_seconds": 0.25,
    "memory_peak": 4096,
    "oom_kills": 2,
    "pids_peak": 3,
    "io": {"read_bytes": 111, "write_bytes": 7},
}
CONTROLLERS = {
    1: dict.fromkeys(("cpu", "cpuacct", "memory", "pids", "blkio"), 1),
    2: dict.fromkeys(("unified", "cpu", "memory", "pids", "io"), 2),
}


def final(directory: pathlib.Path, files: dict[str, str], version: int) -> dict[str, Any]:
    """Figures of a tree with these files, all controllers in one directory."""
    for name, text in files.items():
        (directory / name).write_text(text)
    controllers = CONTROLLERS[version]
    return usage.final(lambda name: str(directory) if name in controllers else None, controllers)


@pytest.mark.parametrize(("version", "files"), [(1, V1), (2, V2)])
def test_both_versions_say_the_same(tmp_path: pathlib.Path, version: int, files: dict[str, str]) -> None:
    assert final(tmp_path, files, version) == EXPECTED


@pytest.mark.parametrize(("version", "files"), [(1, V1), (2, V2)])
def test_each_missing_file_takes_its_own_keys_only(
    tmp_path: pathlib.Path, version: int, files: dict[str, str]
) -> None:
    for missing in files:
        directory = tmp_path / missing
        directory.mkdir()
        left = final(directory, {name: text for name, text in files.items() if name != missing}, version)
        assert left.items() < EXPECTED.items(), missing


def test_io_without_device_lines_is_absent(tmp_path: pathlib.Path) -> None:
    assert "io" not in final(tmp_path, {**V1, "blkio.throttle.io_service_bytes": "Total 0\n"}, 1)
