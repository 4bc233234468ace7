"""The supervisor through its public door, on the real kernel."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Iterator

import pytest

from runtime.linux.errors import Refused
from runtime.linux.hierarchies import detect
from runtime.linux.process import start_time
from runtime.supervision.reconcile import Action
from runtime.supervision.spec import decode
from runtime.supervision.supervisor import NoSuchWorkload
from tests.unit.runtime.supervision.beds import Bed, replica, spec, until

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="cgroups of workloads need root here"),
]

SLEEP = "echo up; exec sleep 1000"


@pytest.fixture
def bed(tmp_path: pathlib.Path) -> Iterator[Bed]:
    bed = Bed(tmp_path)
    yield bed
    assert not bed.left()


async def test_apply_scale_and_remove(bed: Bed) -> None:
    async with bed.started() as supervisor:
        planned = await supervisor.apply([spec("web", SLEEP)], owner="api", dry_run=True)
        assert [change.action for change in planned] == [Action.CREATE]
        assert supervisor.status() == []
        await supervisor.apply([spec("web", SLEEP)], owner="api")
        (status,) = await supervisor.settled(["web"], 20)
        assert status.failures == []
        assert status.replicas[0].state == "running"
        await until(lambda: bed.log("web-1") == "up\n")
        await supervisor.scale("web", 2)
        (status,) = await supervisor.settled(["web"], 20)
        assert [each.state for each in status.replicas] == ["running", "running"]
        await supervisor.scale("web", 1)
        assert not (bed.state / "workloads/web-2").exists()
        await supervisor.remove("web", keep_logs=True)
        assert supervisor.status() == []
        assert bed.log("web-1") == "up\n"
        with pytest.raises(NoSuchWorkload, match="web"):
            await supervisor.remove("web")


async def test_processes_are_shown_by_what_they_are(bed: Bed) -> None:
    async with bed.started() as supervisor:
        await supervisor.apply([spec("web", SLEEP)], owner="api")
        await supervisor.settled(["web"], 20)
        pid = replica(supervisor, "web-1").pid
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        shown = [pathlib.Path(f"/proc/{one}/cmdline").read_bytes() for one in (pid, int(fields[1]))]
        assert shown == [b"deckwatch-init web-1\0", b"deckwatch-monitor web-1\0"]


async def test_what_is_not_enforced_is_told_key_by_key(bed: Bed) -> None:
    limits = {"memory": "64Mi", "memory_high": "32Mi"}
    async with bed.started() as supervisor:
        await supervisor.apply([spec("web", SLEEP, resources=limits, best_effort=True)], owner="api")
        await supervisor.settled(["web"], 20)
        status = replica(supervisor, "web-1")
        memory = detect().of("memory")
        missing = [] if memory is not None and memory.version == 2 else ["resources.memory_high"]
        assert [line.split(":")[0] for line in status.unenforced] == missing
        config = json.loads((bed.run / "replicas/web-1/config.json").read_text())
        assert (status.message, status.seccomp) == ("", config["annotations"]["deckwatch.io/seccomp"])


async def test_ownership_and_pruning(bed: Bed) -> None:
    async with bed.started() as supervisor:
        await supervisor.apply([spec("web", SLEEP)], owner="/etc/web.yaml")
        for refused in (supervisor.remove("web"), supervisor.scale("web", 2)):
            with pytest.raises(Refused, match=r"/etc/web\.yaml"):
                await refused
        await supervisor.settled(["web"], 20)
        await supervisor.apply([], owner="/etc/web.yaml", prune=True)
        assert supervisor.status() == []


async def test_a_failing_workload_is_restarted_then_given_up_and_started_by_hand(bed: Bed) -> None:
    restart = {"max": 1, "backoff": {"min": "10ms"}}
    async with bed.started() as supervisor:
        await supervisor.apply([spec("bad", "exit 3", restart=restart)], owner="api")
        await until(lambda: replica(supervisor, "bad-1").state == "crash_loop")
        status = replica(supervisor, "bad-1")
        assert (status.exit_code, status.reason, status.restarts, status.run) == (3, "error", 1, 2)
        events = [event for event in bed.told() if event[0] != "start"]
        assert events == [("exit", 1, "error"), ("restart", 1, ""), ("exit", 2, "error")]
        await supervisor.start("bad")
        await until(lambda: replica(supervisor, "bad-1").run == 4)


async def test_a_manual_stop_outlives_the_agent(bed: Bed) -> None:
    async with bed.started(on_exit="keep") as supervisor:
        await supervisor.apply([spec("web", SLEEP)], owner="api")
        await supervisor.settled(["web"], 20)
        await supervisor.stop("web")
        status = replica(supervisor, "web-1")
        assert (status.state, status.signal, status.reason) == ("exited", 15, "stopped")
    async with bed.started() as supervisor:
        (status,) = await supervisor.settled(["web"], 20)
        assert status.stopped and status.replicas[0].state == "exited"
        await supervisor.start("web")
        (status,) = await supervisor.settled(["web"], 20)
        assert status.replicas[0].state == "running"


async def test_a_workload_outlives_the_agent_and_is_adopted(bed: Bed) -> None:
    async with bed.started(on_exit="keep") as supervisor:
        await supervisor.apply([spec("web", SLEEP), spec("brief", "sleep 0.1; exit 4")], owner="api")
        await supervisor.settled(["web", "brief"], 20)
        before = replica(supervisor, "web-1")
        brief = replica(supervisor, "brief-1")
    await until(lambda: (bed.state / f"workloads/brief-1/exits/{brief.run}.json").exists())
    bed.events.clear()
    async with bed.started() as supervisor:
        await supervisor.settled(["web"], 20)
        after = replica(supervisor, "web-1")
        assert (after.pid, after.pid_start, after.run) == (before.pid, before.pid_start, before.run)
        await until(lambda: any(event.replica == "brief-1" for event in bed.events))
        ended = next(event for event in bed.events if event.replica == "brief-1")
        assert (ended.type, ended.exit_code, ended.observed) == ("exit", 4, "late")
        assert not [event for event in bed.events if event.replica == "web-1"]


async def test_a_killed_monitor_is_replaced_and_the_workload_goes_on(bed: Bed) -> None:
    async with bed.started() as supervisor:
        script = "trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.05; done"
        await supervisor.apply([spec("web", script)], owner="api")
        await supervisor.settled(["web"], 20)
        status = replica(supervisor, "web-1")
        before = json.loads((bed.run / "replicas/web-1/monitor.json").read_text())["pid"]
        await until(lambda: bed.log("web-1") == "up\n")
        bed.kill_monitor("web-1")
        monitor = bed.run / "replicas/web-1/monitor.json"
        await until(lambda: json.loads(monitor.read_text())["pid"] != before)
        assert start_time(status.pid) == status.pid_start
        await supervisor.stop("web")
        ended = replica(supervisor, "web-1")
        assert (ended.exit_code, ended.reason) == (0, "stopped")
        assert bed.log("web-1") == "up\nasked\n"


async def test_a_workload_that_ignores_its_signal_is_killed(bed: Bed) -> None:
    async with bed.started() as supervisor:
        script = "trap '' TERM; echo up; while :; do sleep 1; done"
        await supervisor.apply([spec("deaf", script, stop={"timeout": "200ms"})], owner="api")
        await supervisor.settled(["deaf"], 20)
        await until(lambda: bed.log("deaf-1") == "up\n")
        await supervisor.stop("deaf")
        ended = replica(supervisor, "deaf-1")
        assert (ended.state, ended.signal, ended.reason) == ("exited", 9, "stopped")


async def test_out_of_memory_is_told_as_such(bed: Bed) -> None:
    script = "head -c 200m /dev/zero | tail -c 200m >/dev/null; exit 1"
    limits = {"memory": "16Mi"}
    async with bed.started() as supervisor:
        hungry = spec("hungry", script, resources=limits, restart={"policy": "never"})
        await supervisor.apply([hungry], owner="api")
        await until(lambda: replica(supervisor, "hungry-1").state == "exited")
        assert replica(supervisor, "hungry-1").reason == "oom"
        assert [event.type for event in bed.events] == ["start", "oom_kill", "exit"]


async def test_what_cannot_be_is_refused_with_key_and_remedy(bed: Bed) -> None:
    async with bed.started() as supervisor:
        wrong = spec("wrong", "true", devices=["/dev/fuse"], stop={"signal": "SIGNOPE"})
        await supervisor.apply([wrong], owner="api")
        (status,) = await supervisor.settled(["wrong"], 20)
        assert status.replicas[0].state == "refused"
        assert "devices" in status.failures[0] and "stop.signal" in status.failures[0]
        assert bed.told() == [("refused", 0, "")]


async def test_a_command_that_is_missing_is_a_failed_start(bed: Bed) -> None:
    missing = {"name": "gone", "rootfs": "host", "command": ["/no/such"], "restart": {"policy": "never"}}
    async with bed.started() as supervisor:
        await supervisor.apply([decode(missing)], owner="api")
        (status,) = await supervisor.settled(["gone"], 20)
        assert (status.replicas[0].state, status.replicas[0].reason) == ("exited", "start_failed")
        assert "/no/such" in status.replicas[0].message


async def test_changing_a_specification_restarts_and_restart_starts_again(bed: Bed) -> None:
    async with bed.started() as supervisor:
        await supervisor.apply([spec("web", SLEEP)], owner="api")
        await supervisor.settled(["web"], 20)
        await supervisor.apply([spec("web", "echo new; exec sleep 1000")], owner="api")
        (status,) = await supervisor.settled(["web"], 20)
        assert (status.generation, status.replicas[0].run) == (2, 2)
        await supervisor.restart("web")
        (status,) = await supervisor.settled(["web"], 20)
        assert (status.replicas[0].state, status.replicas[0].run) == ("running", 3)
        await until(lambda: bed.log("web-1") == "up\nnew\nnew\n")


async def test_what_stopped_with_the_agent_starts_with_it(bed: Bed) -> None:
    async with bed.started() as supervisor:
        await supervisor.apply([spec("web", SLEEP)], owner="api")
        await supervisor.settled(["web"], 20)
    assert not bed.left()
    async with bed.started() as supervisor:
        (status,) = await supervisor.settled(["web"], 20)
        assert (status.replicas[0].state, status.replicas[0].run) == ("running", 2)
