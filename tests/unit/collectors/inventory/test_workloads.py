"""Replicas on disk become entries; a notice brings what changed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from collectors.inventory.merge import Inventory
from collectors.inventory.workloads import WorkloadSource
from collectors.model import Entry, Limits, LogSource, Network, Reason, State
from runtime.linux.birth import birth
from runtime.linux.process import boot_id, start_time
from runtime.supervision import state
from runtime.supervision.spec import decode


class Homes:
    """The two homes of state, in a directory of the test's own."""

    def __init__(self, root: Path) -> None:
        self.state, self.run = f"{root}/state", f"{root}/run"

    def desired(self, name: str, **keys: object) -> None:
        spec = decode({"name": name, "rootfs": "host", **keys})
        state.write(
            f"{state.workload_dir(self.state, name)}/desired.json", state.Desired(spec=spec, owner="api")
        )

    def replica(self, name: str, workload: str, **keys: object) -> None:
        record = state.ReplicaFile(name=name, workload=workload, number=1, **keys)  # type: ignore[arg-type]
        state.write(f"{state.workload_dir(self.state, name)}/replica.json", record)

    def container(self, name: str, pid: int, run: int = 1) -> None:
        file = state.ContainerFile(
            run=run, pid=pid, start=start_time(pid), boot_id=boot_id(), started_at=100.5, cgroup=f"/dw/{name}"
        )
        state.write(f"{state.replica_dir(self.run, name)}/container.json", file)

    def exit(self, name: str, **keys: object) -> None:
        record = state.ExitRecord(**keys)  # type: ignore[arg-type]
        state.write(f"{state.workload_dir(self.state, name)}/exits/{record.run}.json", record)


@pytest.fixture
def homes(tmp_path: Path) -> Homes:
    return Homes(tmp_path)


async def entries_of(homes: Homes) -> dict[str, Entry]:
    """What the inventory shows of the homes, by name."""
    board = Inventory([WorkloadSource(homes.state, homes.run)], lambda old, new: None)
    task = asyncio.ensure_future(board.run())
    async with asyncio.timeout(5):
        while not board.complete:
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return {entry.container.name: entry for entry in board.entries().values()}


async def test_without_any_state_the_list_is_empty_and_complete(homes: Homes) -> None:
    assert await entries_of(homes) == {}


async def test_a_running_replica_is_told_whole(homes: Homes) -> None:
    homes.desired("web", metrics={"port": 9100}, network={"mode": "host"})
    homes.replica(
        "web-1", "web", run=3, state="running", restarts=2, cgroup="/dw/web-1",
        labels={"team": "a"}, limits=state.Limits(cpus=0.5, memory=1 << 20),
    )  # fmt: skip
    homes.container("web-1", os.getpid(), run=3)
    entry = (await entries_of(homes))["web-1"]
    container = entry.container
    assert (container.id, container.engine, container.workload) == ("/dw/web-1", "deckwatch", "web")
    assert (container.state, container.run, container.restarts) == (State.RUNNING, 3, 2)
    assert container.started_at == 100.5 and container.exit_code is None
    assert container.labels == {"team": "a"} and container.limits == Limits(cpus=0.5, memory=1 << 20)
    assert (entry.pid, entry.pid_start) == (os.getpid(), start_time(os.getpid()))
    assert entry.log == LogSource(path=state.log_path(homes.state, "web-1"), format="cri")
    assert entry.network is Network.HOST
    assert entry.annotations["prometheus.io/port"] == "9100"


async def test_an_ended_replica_tells_how(homes: Homes) -> None:
    homes.replica("job-1", "job", run=1, state="exited", cgroup="/dw/job-1")
    homes.exit("job-1", run=1, started_at=10.0, finished_at=20.0, reason="signal", exit_code=137, signal=9)
    entry = (await entries_of(homes))["job-1"]
    container = entry.container
    assert (container.state, container.reason) == (State.EXITED, Reason.SIGNAL)
    assert (container.exit_code, container.signal) == (137, 9)
    assert (container.started_at, container.finished_at, entry.pid) == (10.0, 20.0, 0)
    assert entry.network is Network.OWNER and entry.annotations == {}


async def test_a_pid_that_is_another_process_by_now_is_left_out(homes: Homes) -> None:
    homes.replica("web-1", "web", run=1, state="running", cgroup="/dw/web-1")
    homes.container("web-1", os.getpid())
    path = f"{state.replica_dir(homes.run, 'web-1')}/container.json"
    file = state.read(path, state.ContainerFile)
    assert file is not None
    state.write(
        path,
        state.ContainerFile(**{name: getattr(file, name) for name in file.__struct_fields__} | {"start": 1}),
    )
    assert (await entries_of(homes))["web-1"].pid == 0


async def test_a_damaged_file_hides_its_own_replica_only(homes: Homes) -> None:
    homes.replica("good-1", "good", run=1, state="exited")
    homes.replica("bad-1", "bad", run=1, state="exited")
    Path(f"{state.workload_dir(homes.state, 'bad-1')}/replica.json").write_text("{")
    Path(state.workload_dir(homes.state, "good")).mkdir()
    Path(f"{state.workload_dir(homes.state, 'good')}/desired.json").write_text("nonsense")
    assert list(await entries_of(homes)) == ["good-1"]


async def test_a_notice_brings_what_changed(homes: Homes) -> None:
    source = WorkloadSource(homes.state, homes.run)
    changes: asyncio.Queue[Entry | None] = asyncio.Queue()
    board = Inventory([source], lambda old, new: changes.put_nowait(new))
    task = asyncio.ensure_future(board.run())
    homes.replica("web-1", "web", run=1, state="crash_loop")
    source.notify()
    entry = await asyncio.wait_for(changes.get(), 5)
    assert entry is not None and entry.container.state is State.CRASH_LOOP
    os.unlink(f"{state.workload_dir(homes.state, 'web-1')}/replica.json")
    source.notify()
    assert await asyncio.wait_for(changes.get(), 5) is None
    task.cancel()
    await asyncio.wait([task])


async def test_runs_that_passed_between_two_readings_are_told_each(homes: Homes) -> None:
    told: list[tuple[State, int, int | None]] = []

    def changed(old: Entry | None, new: Entry | None) -> None:
        if new is not None:
            told.append((new.container.state, new.container.run, new.container.exit_code))

    homes.desired("web")
    homes.replica("web-1", "web", run=1, state="running", cgroup="/dw/web-1")
    homes.container("web-1", os.getpid())
    source = WorkloadSource(homes.state, homes.run)
    board = Inventory([source], changed)
    task = asyncio.ensure_future(board.run())
    async with asyncio.timeout(5):
        while len(told) < 1:
            await asyncio.sleep(0)
        for run in (1, 2):
            homes.exit(
                "web-1",
                run=run,
                reason="error",
                exit_code=run,
                started_at=100.0 * run,
                finished_at=100.0 * run + 1,
            )
        homes.replica("web-1", "web", run=3, state="running", cgroup="/dw/web-1")
        homes.container("web-1", os.getpid(), run=3)
        source.notify()
        while len(told) < 4:
            await asyncio.sleep(0)
        source.notify()
        await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait([task])
    assert told == [
        (State.RUNNING, 1, None), (State.EXITED, 1, 1), (State.EXITED, 2, 2), (State.RUNNING, 3, None),
    ]  # fmt: skip


async def test_the_first_reading_tells_the_end_of_the_run_before(homes: Homes) -> None:
    seen: list[int] = []
    homes.desired("web")
    homes.replica("web-1", "web", run=5, state="running", cgroup="/dw/web-1")
    homes.container("web-1", os.getpid(), run=5)
    homes.exit("web-1", run=4, reason="error", exit_code=3, started_at=50.0, finished_at=51.0)
    board = Inventory(
        [WorkloadSource(homes.state, homes.run)],
        lambda old, new: seen.append(new.container.run if new else 0),
    )
    task = asyncio.ensure_future(board.run())
    async with asyncio.timeout(5):
        while not board.complete:
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert seen == [4, 5]


async def test_an_exit_that_lies_beside_a_replica_just_made_is_not_taken_for_told(homes: Homes) -> None:
    told: list[tuple[State, int, int | None]] = []

    def changed(old: Entry | None, new: Entry | None) -> None:
        if new is not None:
            told.append((new.container.state, new.container.run, new.container.exit_code))

    homes.desired("web")
    homes.exit("web-1", run=1, reason="error", exit_code=3, started_at=100.0, finished_at=101.0)
    homes.replica("web-1", "web", run=1, state="created", cgroup="/dw/web-1")
    source = WorkloadSource(homes.state, homes.run)
    task = asyncio.ensure_future(Inventory([source], changed).run())
    async with asyncio.timeout(5):
        while not told:
            await asyncio.sleep(0)
        homes.replica("web-1", "web", run=2, state="running", cgroup="/dw/web-1")
        homes.container("web-1", os.getpid(), run=2)
        source.notify()
        while told[-1][1] != 2:
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert [one[:2] for one in told[1:]] == [(State.EXITED, 1), (State.RUNNING, 2)]


async def test_a_replica_was_created_with_its_state_whatever_run_it_is(homes: Homes) -> None:
    homes.desired("web")
    homes.replica("web-1", "web", run=1)
    made = birth(state.workload_dir(homes.state, "web-1"))
    if made is None:
        pytest.skip("the file system of the temporary directory tells no birth")
    homes.replica("web-1", "web", run=2)
    assert (await entries_of(homes))["web-1"].container.created_at == made
