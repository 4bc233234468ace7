"""What monitors are asked."""

from __future__ import annotations

import json
import pathlib

from runtime.supervision.refusals import Host
from runtime.supervision.request import Place, refusals, write_request
from tests.unit.runtime.supervision.beds import spec


def place(root: pathlib.Path, rootless: bool = False) -> Place:
    host = Host(controllers={}, swap_is_limited=False, nofile=1024, nproc=1024, rootless=rootless)
    return Place(
        run_dir=str(root / "run"),
        state_dir=str(root / "state"),
        cgroup_parent="" if rootless else "/deckwatch",
        hidden=("/secret",),
        host=host,
        boot_id="boot",
        version="1",
    )


def test_a_request_says_all_that_a_monitor_needs(tmp_path: pathlib.Path) -> None:
    logs = {"max_size": "1Mi", "max_files": 3, "on_error": "block", "compress": False}
    stop = {"signal": "INT", "timeout": "1m"}
    web = spec("web", "true", logs=logs, stop=stop, user="1000:1001")
    write_request(web, "web-1", 4, place(tmp_path))
    asked = json.loads((tmp_path / "run/replicas/web-1/start.json").read_text())
    assert asked["format"] == 1
    assert (asked["run"], asked["cgroup"]) == (4, "/deckwatch/workloads/web-1")
    assert (asked["uid"], asked["gid"]) == (1000, 1001)
    assert asked["stop"] == {"signal": 2, "timeout": 60.0}
    assert asked["logs"] == {"max_size": 1 << 20, "max_files": 3, "compress": False, "block": True}
    assert asked["log_dir"] == str(tmp_path / "state/workloads/web-1/log")
    config = json.loads((tmp_path / "run/replicas/web-1/config.json").read_text())
    assert config["process"]["args"] == ["/bin/sh", "-c", "true"]


def test_without_cgroups_there_is_no_path(tmp_path: pathlib.Path) -> None:
    write_request(spec("web", "true"), "web-1", 1, place(tmp_path, rootless=True))
    asked = json.loads((tmp_path / "run/replicas/web-1/start.json").read_text())
    assert asked["cgroup"] == ""


def test_a_signal_that_does_not_exist_is_refused(tmp_path: pathlib.Path) -> None:
    (refused,) = refusals(spec("web", "true", stop={"signal": "NOPE"}), place(tmp_path))
    assert (refused.key, refusals(spec("web", "true"), place(tmp_path))) == ("stop.signal", [])
