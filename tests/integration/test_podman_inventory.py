"""The inventory against a real Podman, by its files alone and with its service: all is seen, in order, once."""

from __future__ import annotations

import asyncio
import datetime
import os
from collections.abc import AsyncIterator, Iterator

import pytest

from collectors.inventory.podman.source import PodmanSource
from collectors.model import Health, Limits, Network, Reason, Role, State
from runtime.linux.hierarchies import detect
from runtime.linux.process import start_time
from tests.integration.inventories import Watched, watching
from tests.integration.podman import IMAGE, Podman

pytestmark = [pytest.mark.root, pytest.mark.podman]


def source_of(podman: Podman) -> PodmanSource:
    return PodmanSource(podman.root, podman.run_root, podman.socket, detect(), temporary=[podman.temporary])


@pytest.fixture
async def watched(podman: Podman) -> AsyncIterator[Watched]:
    async with watching(source_of(podman)) as watched:
        yield watched


@pytest.fixture
def service(podman: Podman) -> Iterator[None]:
    podman.serve()
    yield
    podman.stop_serving()


async def call(podman: Podman, *arguments: str, check: bool = True) -> str:
    """The podman command, without holding the loop."""
    return await asyncio.to_thread(lambda: podman.podman(*arguments, check=check))


async def run(podman: Podman, *arguments: str) -> str:
    return await asyncio.to_thread(podman.run, *arguments)


def moment(text: str) -> float:
    """A time as Podman's templates write it: `2026-11-24 08:10:10.117703197 +0000 UTC`."""
    date, clock, *_ = text.split()
    return datetime.datetime.fromisoformat(f"{date}T{clock[:15]}+00:00").timestamp()


async def test_a_running_container_is_told_whole(podman: Podman, watched: Watched) -> None:
    id = await run(
        podman, "--name", "web", "--cpus", "0.5", "--memory", "64m", "--memory-swap", "96m", "--pids-limit", "50",
        "--annotation", "mine=yes", "--", "sleep", "60",
    )  # fmt: skip
    entry = await watched.reached("web", State.RUNNING)
    told = "{{.State.Pid}}|{{.NetworkSettings.IPAddress}}|{{.HostConfig.LogConfig.Path}}|{{.State.StartedAt}}"
    pid, address, log, started = (await call(podman, "inspect", "web", "--format", told)).split("|")
    container = entry.container
    assert (container.engine, container.engine_id, container.image) == ("podman", id, IMAGE)
    assert container.id == f"{podman.cgroup_parent}/libpod-{id}"
    assert (entry.pid, entry.pid_start) == (int(pid), start_time(int(pid)))
    assert container.limits == Limits(cpus=0.5, memory=64 << 20, swap=32 << 20, pids=50)
    assert container.started_at == pytest.approx(moment(started), abs=1.0)
    assert entry.annotations["mine"] == "yes"
    assert (entry.network, entry.addresses[0]) == (Network.OWNER, address)
    assert entry.log is not None and (entry.log.path, entry.log.format) == (log, "cri")
    assert os.path.exists(log)


async def test_exits_with_their_code_and_another_run(podman: Podman, watched: Watched) -> None:
    await run(podman, "--name", "three", "--network", "none", "--", "sh", "-c", "exit 3")
    entry = await watched.reached("three", State.EXITED)
    assert (entry.container.exit_code, entry.container.reason) == (3, Reason.ERROR)
    told = await call(podman, "inspect", "three", "--format", "{{.State.FinishedAt}}")
    assert entry.container.finished_at == pytest.approx(moment(told), abs=0.5)
    await call(podman, "start", "three")
    await watched.until(lambda: watched.states("three").count("exited") == 2)
    await call(podman, "rm", "three")
    await watched.until(lambda: watched.states("three")[-1] == "gone")
    assert watched.begun("three") == ["running", "exited", "running", "exited", "gone"]


async def test_pause_and_rename(podman: Podman, watched: Watched) -> None:
    await run(podman, "--name", "first", "--network", "none", "--", "sleep", "60")
    await watched.reached("first", State.RUNNING)
    await call(podman, "pause", "first")
    await watched.reached("first", State.PAUSED)
    await call(podman, "rename", "first", "second")
    await watched.until(lambda: watched.entry("second") and not watched.entry("first"))
    await call(podman, "unpause", "second")
    assert (await watched.reached("second", State.RUNNING)).pid > 0


async def test_memory_that_ran_out_is_told(podman: Podman, watched: Watched) -> None:
    eater = 'BEGIN { while (1) a[i++] = sprintf("%1000d", i) }'
    memory = ["--memory", "16m", "--memory-swap", "16m"]
    await run(podman, "--name", "eater", "--network", "none", *memory, "--", "awk", eater)
    entry = await watched.reached("eater", State.EXITED)
    assert (entry.container.exit_code, entry.container.signal) == (137, 9)
    assert entry.container.reason in (Reason.OOM, Reason.SIGNAL)


async def test_health_follows_the_check(podman: Podman, watched: Watched) -> None:
    check = ["--health-cmd", "test -e /tmp/ill && exit 1; exit 0", "--health-retries", "1"]
    await run(
        podman,
        "--name",
        "sick",
        "--network",
        "none",
        *check,
        "--health-interval",
        "disable",
        "--",
        "sleep",
        "60",
    )
    await call(podman, "healthcheck", "run", "sick")
    await watched.until(lambda: (one := watched.entry("sick")) and one.container.health is Health.HEALTHY)
    await call(podman, "exec", "sick", "sh", "-c", "echo > /tmp/ill")
    await call(podman, "healthcheck", "run", "sick", check=False)
    await watched.until(lambda: (one := watched.entry("sick")) and one.container.health is Health.UNHEALTHY)


async def test_a_restart_policy_shows_each_run(podman: Podman, watched: Watched) -> None:
    again = ["--name", "again", "--network", "none", "--restart", "on-failure:2"]
    await run(podman, *again, "--", "sh", "-c", "sleep 0.2; exit 4")
    await watched.until(lambda: watched.states("again").count("exited") == 3)
    assert watched.begun("again") == ["running", "exited"] * 3
    runs = [new.container for _, new in watched.changes if new and new.container.state is State.EXITED]
    assert len({one.started_at for one in runs}) == 3
    assert {one.exit_code for one in runs} == {4}


async def test_a_start_that_fails_says_so(podman: Podman, watched: Watched) -> None:
    await call(
        podman, "run", *podman.options("--name", "broken", "--network", "none", "--", "/no/such"), check=False
    )
    entry = await watched.reached("broken", State.EXITED)
    assert (entry.container.reason, entry.container.started_at) == (Reason.START_FAILED, None)


async def test_who_owns_which_network(podman: Podman, watched: Watched) -> None:
    await run(podman, "--name", "own", "--", "sleep", "60")
    await run(podman, "--name", "none", "--network", "none", "--", "sleep", "60")
    await run(podman, "--name", "host", "--network", "host", "--", "sleep", "60")
    await run(podman, "--name", "guest", "--network", "container:own", "--", "sleep", "60")
    names = ("own", "none", "host", "guest")
    kinds = [(await watched.reached(name, State.RUNNING)).network for name in names]
    assert kinds == [Network.OWNER, Network.OWNER, Network.HOST, Network.FOLLOWER]


async def test_other_log_drivers_have_no_file_to_read(podman: Podman, watched: Watched) -> None:
    await run(podman, "--name", "mute", "--network", "none", "--log-driver", "none", "--", "sleep", "60")
    assert (await watched.reached("mute", State.RUNNING)).log is None


async def test_containers_that_are_gone_at_once_begin_and_end(podman: Podman, watched: Watched) -> None:
    for number in range(5):
        options = podman.options("--rm", "--network", "none", "--name", f"short{number}", "--", "true")
        await call(podman, "run", *options)
    for number in range(5):
        await watched.until(lambda n=number: watched.states(f"short{n}")[-1:] == ["gone"])
        assert watched.begun(f"short{number}") == ["running", "exited", "gone"]
    codes = [
        new.container.exit_code for _, new in watched.changes if new and new.container.state is State.EXITED
    ]
    assert set(codes) == {0}


async def test_many_at_once(podman: Podman, watched: Watched) -> None:
    names = [f"crowd{number}" for number in range(10)]
    async with asyncio.TaskGroup() as tasks:
        for name in names:
            tasks.create_task(run(podman, "--name", name, "--network", "none", "--", "sh", "-c", "exit 1"))
    for name in names:
        await watched.until(lambda n=name: watched.states(n)[-1:] == ["exited"])
        assert watched.begun(name) == ["running", "exited"]
        entry = watched.entry(name)
        assert entry is not None and entry.container.exit_code == 1


async def test_labels_are_not_told_by_files(podman: Podman, watched: Watched) -> None:
    # Podman 4 keeps them in BoltDB, which is not read; with SQLite or the service they are there.
    await run(podman, "--name", "labelled", "--network", "none", "--label", "team=a", "--", "sleep", "60")
    entry = await watched.reached("labelled", State.RUNNING)
    assert entry.container.labels == ({"team": "a"} if os.path.exists(f"{podman.root}/db.sql") else {})


async def test_the_service_tells_labels_and_pods(podman: Podman, service: None, watched: Watched) -> None:
    pod = await asyncio.to_thread(podman.pod, "shop")
    await run(podman, "--name", "web", "--pod", "shop", "--label", 'quote="\n', "--", "sleep", "60")
    await watched.until(lambda: (one := watched.entry("web")) and one.container.labels)
    member = watched.entry("web")
    assert member is not None
    labels = {"io.podman.pod.id": pod, "io.podman.pod.name": "shop"}
    assert member.container.labels == {"quote": '"\n'} | labels
    assert (member.network, member.container.pod) == (Network.FOLLOWER, "")
    infra = f"{pod[:12]}-infra"
    await watched.until(lambda: (one := watched.entry(infra)) and one.container.role is Role.SANDBOX)
    holder = watched.entry(infra)
    assert holder is not None and holder.network is Network.OWNER and holder.container.state is State.RUNNING


async def test_ends_that_nobody_saw_are_known_to_the_service(podman: Podman, service: None) -> None:
    await run(podman, "--name", "earlier", "--network", "none", "--", "sh", "-c", "exit 5")
    await asyncio.to_thread(podman.podman, "wait", "earlier")
    async with watching(source_of(podman)) as watched:
        entry = await watched.reached("earlier", State.EXITED)
    assert (entry.container.exit_code, entry.container.reason) == (5, Reason.ERROR)
    assert watched.states("earlier") == ["exited"]
