"""What is told from containerd's directories alone."""

from __future__ import annotations

import os
import pathlib
import subprocess

import pytest

from collectors.inventory.bundle import UnreadableBundle
from collectors.inventory.containerd.disk import ContainerdDisk, tasks_directory
from collectors.inventory.containerd.entry import Facts, Ref
from collectors.inventory.grpc import containerd_v1, runtime_v1
from runtime.linux.process import start_time
from tests.unit.collectors.inventory.containerdengine import (
    MAIN,
    PLAIN,
    SANDBOX,
    SECOND,
    config,
    pod_config,
    write_bundle,
    write_note,
)


@pytest.fixture
def state(tmp_path: pathlib.Path) -> str:
    return f"{tmp_path}/state"


@pytest.fixture
def root(tmp_path: pathlib.Path) -> str:
    return f"{tmp_path}/root"


@pytest.fixture
def disk(state: str, root: str) -> ContainerdDisk:
    return ContainerdDisk(state, root)


async def facts_of(disk: ContainerdDisk, ref: Ref) -> Facts:
    facts = await disk.facts(ref)
    assert facts is not None
    return facts


async def test_nothing_is_there(disk: ContainerdDisk) -> None:
    assert not disk.readable
    assert await disk.refs() == set()
    assert await disk.facts(PLAIN) is None
    assert await disk.task(PLAIN) is None
    assert await disk.began(PLAIN) is None
    assert await disk.status(MAIN, Facts()) is None
    assert await disk.sandbox(SANDBOX.id) is None


async def test_bundles_of_all_namespaces_but_dockers(disk: ContainerdDisk, state: str) -> None:
    for ref in (PLAIN, MAIN, Ref("moby", "c" * 64)):
        write_bundle(state, ref, config(ref))
    assert disk.readable
    assert await disk.refs() == {PLAIN, MAIN}
    tasks = tasks_directory(state)
    assert disk.directories() == [tasks, f"{tasks}/default", f"{tasks}/k8s.io"]


async def test_facts_of_a_bundle(disk: ContainerdDisk, state: str) -> None:
    directory = write_bundle(state, MAIN, pod_config(MAIN))
    facts = await facts_of(disk, MAIN)
    assert (facts.image, facts.is_pod_container, facts.sandbox_id) == ("reg/web:1", True, SANDBOX.id)
    os.utime(f"{directory}/config.json", (7.5, 7.5))
    assert (await facts_of(disk, MAIN)).created_at == 7.5
    pathlib.Path(f"{directory}/config.json").write_text("{")
    with pytest.raises(UnreadableBundle):
        await disk.facts(MAIN)


async def test_a_task_is_its_process(disk: ContainerdDisk, state: str) -> None:
    write_bundle(state, PLAIN, config(PLAIN))
    assert await disk.task(PLAIN) is None
    write_bundle(state, PLAIN, config(PLAIN), pid=os.getpid(), made=12.5)
    task = await disk.task(PLAIN)
    assert task is not None and (task.pid, task.status) == (os.getpid(), containerd_v1.RUNNING)
    assert await disk.began(PLAIN) == 12.5


async def test_a_process_that_ended_or_waits_to_be_reaped(disk: ContainerdDisk, state: str) -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    write_bundle(state, PLAIN, config(PLAIN), pid=process.pid)
    zombie = await disk.task(PLAIN)
    start = start_time(process.pid)
    assert disk.is_running(process.pid, start) and not disk.is_running(process.pid, start + 1)
    process.wait()
    assert not disk.is_running(process.pid, start) and not disk.is_running(0, 0)
    gone = await disk.task(PLAIN)
    assert zombie == gone == containerd_v1.Process(PLAIN.id, status=containerd_v1.STOPPED)


async def test_a_process_that_a_runtime_holds_back(state: str, root: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "proc/17").mkdir(parents=True)
    (tmp_path / "proc/17/stat").write_text("17 (runc:[2:INIT]) S " + "1 " * 30)
    (tmp_path / "proc/17/comm").write_text("runc:[2:INIT]\n")
    write_bundle(state, PLAIN, config(PLAIN), pid=17)
    task = await ContainerdDisk(state, root, f"{tmp_path}/proc").task(PLAIN)
    assert task is not None and task.status == containerd_v1.CREATED


async def test_a_pods_container_as_the_cri_noted_it(
    disk: ContainerdDisk, state: str, root: str, tmp_path: pathlib.Path
) -> None:
    write_bundle(state, SANDBOX, pod_config(SANDBOX, f"{tmp_path}/logs"))
    write_bundle(state, MAIN, pod_config(MAIN), pid=os.getpid())
    (tmp_path / "logs/main").mkdir(parents=True)
    for name in ("0.log", "9.log", "10.log", "10.log.20260101", "x.log"):
        (tmp_path / "logs/main" / name).touch()
    facts = await facts_of(disk, MAIN)

    write_note(root, MAIN, CreatedAt=1, StartedAt=0, FinishedAt=0)
    status = await disk.status(MAIN, facts)
    assert status is not None and status.state == runtime_v1.CREATED

    write_note(root, MAIN, CreatedAt=1, StartedAt=2 * SECOND, FinishedAt=0)
    status = await disk.status(MAIN, facts)
    assert status is not None
    assert (status.state, status.started_at) == (runtime_v1.RUNNING, 2 * SECOND)
    assert (status.metadata.name, status.metadata.attempt) == ("main", 10)
    assert (status.log_path, status.image.image) == (f"{tmp_path}/logs/main/10.log", "reg/web:1")

    assert status.created_at == 1

    write_note(root, MAIN, StartedAt=2, FinishedAt=3, ExitCode=137, Reason="OOMKilled")
    status = await disk.status(MAIN, facts)
    assert status is not None
    assert (status.state, status.exit_code, status.reason) == (runtime_v1.EXITED, 137, "OOMKilled")


async def test_a_container_without_a_note_is_its_process(disk: ContainerdDisk, state: str, root: str) -> None:
    directory = write_bundle(state, MAIN, pod_config(MAIN))
    os.utime(f"{directory}/config.json", (7.5, 7.5))
    facts = await facts_of(disk, MAIN)
    status = await disk.status(MAIN, facts)
    assert status is not None and status.state == runtime_v1.CREATED
    assert status.created_at == 7_500_000_000
    write_bundle(state, MAIN, pod_config(MAIN), pid=os.getpid(), made=12.5)
    status = await disk.status(MAIN, facts)
    assert status is not None
    assert (status.state, status.started_at, status.log_path) == (runtime_v1.RUNNING, 12_500_000_000, "")
    write_note(root, MAIN)
    pathlib.Path(f"{root}/io.containerd.grpc.v1.cri/containers/{MAIN.id}/status").write_text("no JSON")
    assert await disk.status(MAIN, facts) == status


async def test_a_note_outlives_the_bundle(disk: ContainerdDisk, root: str) -> None:
    write_note(root, MAIN, StartedAt=2, FinishedAt=3, ExitCode=5)
    status = await disk.status(MAIN, Facts())
    assert status is not None and status.exit_code == 5


async def test_a_sandbox_by_its_annotations(disk: ContainerdDisk, state: str) -> None:
    write_bundle(state, SANDBOX, pod_config(SANDBOX), pid=os.getpid(), made=5.0)
    sandbox = await disk.sandbox(SANDBOX.id)
    assert sandbox is not None
    assert sandbox.metadata == runtime_v1.PodSandboxMetadata("web", "u1", "shop")
    assert sandbox.created_at == 5 * SECOND
    assert sandbox.linux.namespaces.options.network != runtime_v1.NODE
    write_bundle(state, SANDBOX, pod_config(SANDBOX).replace(b'"network"', b'"ipc"'))
    on_host = await disk.sandbox(SANDBOX.id)
    assert on_host is not None and on_host.linux.namespaces.options.network == runtime_v1.NODE
