"""The inventory against a real dockerd: whatever happens to a container is seen, in order, once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator

import pytest

from collectors.inventory.docker.source import DockerSource
from collectors.model import Health, Limits, Network, Reason, State
from runtime.linux.hierarchies import detect
from runtime.linux.process import start_time
from tests.integration.engines import IMAGE, Dockerd
from tests.integration.inventories import Watched, watching

pytestmark = [pytest.mark.root, pytest.mark.docker]


@pytest.fixture
async def watched(dockerd: Dockerd) -> AsyncIterator[Watched]:
    async with watching(DockerSource(dockerd.socket, detect())) as watched:
        yield watched


async def docker(dockerd: Dockerd, *arguments: str, check: bool = True) -> str:
    """The docker command, without holding the loop."""
    return await asyncio.to_thread(lambda: dockerd.docker(*arguments, check=check))


async def run(dockerd: Dockerd, *arguments: str) -> str:
    return await asyncio.to_thread(dockerd.run, *arguments)


async def test_a_running_container_is_told_whole(dockerd: Dockerd, watched: Watched) -> None:
    before = time.time()
    id = await run(
        dockerd, "--name", "web", "--label", 'quote="\n', "--expose", "8080", "--cpus", "0.5",
        "--memory", "64m", "--memory-swap", "96m", "--pids-limit", "50", "--", "sleep", "60",
    )  # fmt: skip
    entry = await watched.reached("web", State.RUNNING)
    pid, address, log = (
        await docker(
            dockerd,
            "inspect",
            "web",
            "--format",
            "{{.State.Pid}} {{.NetworkSettings.IPAddress}} {{.LogPath}}",
        )
    ).split()
    container = entry.container
    assert (container.engine, container.engine_id, container.image) == ("docker", id, IMAGE)
    assert container.id == f"{dockerd.cgroup_parent}/{id}"
    assert (entry.pid, entry.pid_start) == (int(pid), start_time(int(pid)))
    assert container.labels == {"quote": '"\n'}
    assert container.limits == Limits(cpus=0.5, memory=64 << 20, swap=32 << 20, pids=50)
    assert container.started_at is not None and before < container.started_at < time.time()
    assert (entry.network, entry.addresses, entry.ports) == (Network.OWNER, (address,), (8080,))
    assert entry.log is not None and (entry.log.path, entry.log.format) == (log, "docker_json")
    assert os.path.exists(log)


async def test_exits_with_their_code(dockerd: Dockerd, watched: Watched) -> None:
    await run(dockerd, "--name", "three", "--", "sh", "-c", "exit 3")
    entry = await watched.reached("three", State.EXITED)
    assert (entry.container.exit_code, entry.container.reason) == (3, Reason.ERROR)
    await docker(dockerd, "start", "three")
    await watched.until(lambda: watched.states("three").count("exited") == 2)
    await docker(dockerd, "rm", "three")
    await watched.until(lambda: watched.states("three")[-1] == "gone")
    assert watched.states("three") == ["created", "running", "exited", "running", "exited", "gone"]


async def test_a_stop_is_told_from_an_error(dockerd: Dockerd, watched: Watched) -> None:
    await run(dockerd, "--name", "stopped", "--", "sleep", "60")
    await run(dockerd, "--name", "killed", "--", "sh", "-c", "kill -KILL $$; sleep 60")
    await run(dockerd, "--name", "ended", "--", "sh", "-c", "trap 'exit 7' TERM; sleep 60 & wait")
    await watched.reached("ended", State.RUNNING)
    await docker(dockerd, "stop", "-t", "1", "stopped", "ended")
    stopped = await watched.reached("stopped", State.EXITED)
    assert (stopped.container.exit_code, stopped.container.signal, stopped.container.reason) == (
        137,
        9,
        Reason.STOPPED,
    )
    assert stopped.stop_requested
    ended = await watched.reached("ended", State.EXITED)
    assert (ended.container.exit_code, ended.container.reason) == (7, Reason.STOPPED)


async def test_memory_that_ran_out_is_a_hint(dockerd: Dockerd, watched: Watched) -> None:
    eater = 'BEGIN { while (1) a[i++] = sprintf("%1000d", i) }'
    await run(dockerd, "--name", "eater", "--memory", "16m", "--", "awk", eater)
    await watched.until(lambda: (one := watched.entry("eater")) and one.container.reason is Reason.OOM)
    entry = await watched.reached("eater", State.EXITED)
    assert (entry.container.exit_code, entry.container.signal) == (137, 9)


async def test_pause_rename_and_update(dockerd: Dockerd, watched: Watched) -> None:
    await run(dockerd, "--name", "first", "--", "sleep", "60")
    await watched.reached("first", State.RUNNING)
    await docker(dockerd, "pause", "first")
    await watched.reached("first", State.PAUSED)
    await docker(dockerd, "rename", "first", "second")
    await watched.until(lambda: watched.entry("second") and not watched.entry("first"))
    await docker(dockerd, "unpause", "second")
    await docker(dockerd, "update", "--memory", "32m", "--memory-swap", "32m", "second")
    await watched.until(lambda: (one := watched.entry("second")) and one.container.limits.memory == 32 << 20)
    entry = await watched.reached("second", State.RUNNING)
    assert entry.pid > 0


async def test_health_follows_the_check(dockerd: Dockerd, watched: Watched) -> None:
    await run(
        dockerd, "--name", "sick", "--health-cmd", "test -e /tmp/ill && exit 1; exit 0", "--health-interval", "1s",
        "--health-retries", "1", "--", "sleep", "60",
    )  # fmt: skip
    await watched.until(lambda: (one := watched.entry("sick")) and one.container.health is Health.HEALTHY)
    await docker(dockerd, "exec", "sick", "sh", "-c", "echo > /tmp/ill")
    await watched.until(lambda: (one := watched.entry("sick")) and one.container.health is Health.UNHEALTHY)


async def test_a_restart_policy_shows_each_run(dockerd: Dockerd, watched: Watched) -> None:
    await run(dockerd, "--name", "again", "--restart", "on-failure:2", "--", "sh", "-c", "sleep 0.2; exit 4")
    await watched.until(lambda: watched.states("again").count("running") == 3)
    await watched.until(lambda: watched.states("again")[-1] == "exited")
    runs = [new.container for _, new in watched.changes if new and new.container.state is State.RUNNING]
    assert len({run.started_at for run in runs}) == 3
    assert {run.name for run in runs} == {"again"}
    entry = watched.entry("again")
    assert entry is not None and (entry.container.restarts, entry.container.exit_code) == (2, 4)


async def test_a_start_that_fails_says_so(dockerd: Dockerd, watched: Watched) -> None:
    await docker(dockerd, "run", "--name", "broken", IMAGE, "/no/such/file", check=False)
    await watched.until(
        lambda: (one := watched.entry("broken")) and one.container.reason is Reason.START_FAILED
    )
    entry = watched.entry("broken")
    assert entry is not None and (entry.container.state, entry.container.exit_code) == (State.EXITED, 127)


async def test_nested_parents_are_found_by_the_process(dockerd: Dockerd, watched: Watched) -> None:
    parent = f"{dockerd.cgroup_parent}/deep/er"
    id = await run(dockerd, "--name", "nested", "--cgroup-parent", parent, "--", "sleep", "60")
    entry = await watched.reached("nested", State.RUNNING)
    assert entry.container.id == f"{parent}/{id}"


async def test_who_owns_which_network(dockerd: Dockerd, watched: Watched) -> None:
    await run(dockerd, "--name", "own", "--network", "none", "--", "sleep", "60")
    await run(dockerd, "--name", "host", "--network", "host", "--", "sleep", "60")
    await run(dockerd, "--name", "guest", "--network", "container:own", "--", "sleep", "60")
    kinds = [(await watched.reached(name, State.RUNNING)).network for name in ("own", "host", "guest")]
    assert kinds == [Network.OWNER, Network.HOST, Network.FOLLOWER]


async def test_other_log_drivers_have_no_file_to_read(dockerd: Dockerd, watched: Watched) -> None:
    await run(dockerd, "--name", "mute", "--log-driver", "none", "--", "sleep", "60")
    assert (await watched.reached("mute", State.RUNNING)).log is None


async def test_hostile_labels_arrive_whole(dockerd: Dockerd, watched: Watched) -> None:
    large = "x" * 100_000
    await run(dockerd, "--name", "labelled", "--label", f"big={large}", "--label", "exitCode=7", "--", "true")
    entry = await watched.reached("labelled", State.EXITED)
    assert entry.container.labels == {"big": large, "exitCode": "7"}
    await watched.until(lambda: (one := watched.entry("labelled")) and one.container.exit_code == 0)


async def test_containers_that_are_gone_at_once_begin_and_end(dockerd: Dockerd, watched: Watched) -> None:
    for number in range(5):
        await docker(dockerd, "run", "--rm", "--network", "none", "--name", f"short{number}", IMAGE, "true")
    for number in range(5):
        await watched.until(lambda n=number: watched.states(f"short{n}")[-1:] == ["gone"])
        assert watched.states(f"short{number}") == ["created", "running", "exited", "gone"]


async def test_an_engine_that_restarts_loses_nothing(dockerd: Dockerd, watched: Watched) -> None:
    await run(dockerd, "--name", "kept", "--network", "none", "--", "sleep", "300")
    await run(dockerd, "--name", "ends", "--network", "none", "--", "sh", "-c", "sleep 3; exit 5")
    before = await watched.reached("kept", State.RUNNING)
    await watched.reached("ends", State.RUNNING)
    await asyncio.to_thread(dockerd.stop_engine)
    await watched.until(lambda: watched.board.reasons())
    assert watched.entry("kept") == before
    ends = watched.entry("ends")
    assert ends is not None
    await watched.until(lambda: start_time(ends.pid) == 0)
    await asyncio.to_thread(dockerd.start_engine)
    await watched.until(lambda: not watched.board.reasons(), 60)
    assert watched.states("kept")[-1] == "running"
    entry = await watched.reached("ends", State.EXITED)
    assert entry.container.exit_code == 5
    await docker(dockerd, "rm", "-f", "kept", "ends")
    await watched.until(lambda: not watched.board.entries())


async def test_many_at_once(dockerd: Dockerd, watched: Watched) -> None:
    names = [f"crowd{number}" for number in range(20)]
    async with asyncio.TaskGroup() as tasks:
        for name in names:
            tasks.create_task(run(dockerd, "--name", name, "--network", "none", "--", "sh", "-c", "exit 1"))
    for name in names:
        await watched.until(lambda n=name: watched.states(n)[-1:] == ["exited"])
        assert watched.states(name) == ["created", "running", "exited"]
        entry = watched.entry(name)
        assert entry is not None and entry.container.exit_code == 1
