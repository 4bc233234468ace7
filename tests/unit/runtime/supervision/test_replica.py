"""A replica over reboots and over the deaths of zygote and monitor: what it makes of what it finds."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
from collections.abc import Iterator

import pytest

from runtime.supervision.events import EventType
from tests.unit.runtime.supervision.beds import Bed, replica, spec, until

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="cgroups of workloads need root here"),
]


@pytest.fixture
def bed(tmp_path: pathlib.Path) -> Iterator[Bed]:
    bed = Bed(tmp_path)
    yield bed
    assert not bed.left()


def pretend_running(bed: Bed, run: int) -> None:
    """Make the record say that a run was going on when the host went down."""
    path = bed.state / "workloads/web-1/replica.json"
    known = json.loads(path.read_text())
    path.write_text(json.dumps({**known, "state": "running", "run": run, "handled": run - 1}))
    (bed.state / f"workloads/web-1/exits/{run}.json").unlink(missing_ok=True)


async def once(bed: Bed) -> None:
    async with bed.started() as supervisor:
        await supervisor.apply([spec("web", "echo up; exec sleep 1000")], owner="api")
        await supervisor.settled(["web"], 20)
        shutil.copytree(
            bed.run / "replicas", bed.run.parent / "kept", ignore=lambda *_: {"monitor.sock"} | FIFOS
        )
    bed.events.clear()


FIFOS = {"stdout", "stderr"}


async def test_after_a_reboot_the_run_is_lost_and_another_starts_at_once(bed: Bed) -> None:
    await once(bed)
    pretend_running(bed, 1)
    async with bed.started() as supervisor:
        await supervisor.settled(["web"], 20)
        status = replica(supervisor, "web-1")
        assert (status.state, status.run, status.restarts) == ("running", 2, 1)
        ended = next(event for event in bed.events if event.type is EventType.EXIT)
        assert (ended.run, ended.reason, ended.exit_code, ended.observed) == (1, "lost", None, "late")


async def test_files_of_another_boot_are_not_believed(bed: Bed) -> None:
    await once(bed)
    pretend_running(bed, 1)
    shutil.copytree(bed.run.parent / "kept", bed.run / "replicas")
    for name in ("container.json", "start.json"):
        path = bed.run / "replicas/web-1" / name
        path.write_text(json.dumps({**json.loads(path.read_text()), "boot_id": "another"}))
    (bed.run / "replicas/web-1/stdout.stage").write_text("half a li")
    async with bed.started() as supervisor:
        await supervisor.settled(["web"], 20)
        ended = next(event for event in bed.events if event.type is EventType.EXIT)
        assert (ended.run, ended.reason) == (1, "lost")
        await until(lambda: replica(supervisor, "web-1").run == 2 and bed.log("web-1") == "up\nup\n")


async def test_a_run_that_was_counted_but_not_asked_for_is_counted_again(bed: Bed) -> None:
    await once(bed)
    pretend_running(bed, 2)
    shutil.copytree(bed.run.parent / "kept", bed.run / "replicas")
    async with bed.started() as supervisor:
        (status,) = await supervisor.settled(["web"], 20)
        assert (status.replicas[0].state, status.replicas[0].run) == ("running", 2)
        assert [event.type for event in bed.events] == [EventType.START]


async def test_zygote_and_monitor_killed_together(bed: Bed) -> None:
    async with bed.started() as supervisor:
        script = "echo up; trap 'echo bye; exit 5' TERM; while :; do sleep 0.05; done"
        await supervisor.apply([spec("web", script)], owner="api")
        await supervisor.settled(["web"], 20)
        await until(lambda: bed.log("web-1") == "up\n")
        pid = replica(supervisor, "web-1").pid
        os.kill(json.loads((bed.run / "zygote/zygote.json").read_text())["pid"], signal.SIGKILL)
        bed.kill_monitor("web-1")
        os.kill(pid, signal.SIGTERM)
        await until(lambda: any(event.type is EventType.EXIT for event in bed.events))
        ended = next(event for event in bed.events if event.type is EventType.EXIT)
        assert (ended.exit_code, ended.reason) == (5, "error")
        assert bed.log("web-1") == "up\nbye\n"


async def test_a_monitor_asked_to_end_stops_its_workload_first(bed: Bed) -> None:
    async with bed.started() as supervisor:
        restart = {"policy": "never"}
        await supervisor.apply([spec("web", "exec sleep 1000", restart=restart)], owner="api")
        await supervisor.settled(["web"], 20)
        monitor = json.loads((bed.run / "replicas/web-1/monitor.json").read_text())
        os.kill(monitor["pid"], signal.SIGTERM)
        await until(lambda: replica(supervisor, "web-1").state == "exited")
        assert replica(supervisor, "web-1").reason == "stopped"


async def test_a_monitor_that_cannot_work_is_told_and_tried_again(bed: Bed) -> None:
    bed.run.mkdir()
    replicas = bed.state / "workloads/web-1"
    replicas.mkdir(parents=True)
    (replicas / "log").write_text("a file where a directory is due")
    async with bed.started() as supervisor:
        await supervisor.apply([spec("web", "echo up; exec sleep 1000")], owner="api")
        (status,) = await supervisor.settled(["web"], 20)
        assert "log" in status.replicas[0].message
        (replicas / "log").unlink()
        await until(lambda: replica(supervisor, "web-1").state == "running")
