"""Looks at containers, whatever was said of them and whoever is asked."""

from __future__ import annotations

import asyncio
import os
import pathlib
from collections.abc import Callable

import pytest

from collectors.inventory.bundle import UnreadableBundle, spec_of
from collectors.inventory.containerd.disk import ContainerdDisk
from collectors.inventory.containerd.entry import Facts, Ref
from collectors.inventory.containerd.follow import Follower
from collectors.inventory.containerd.runs import ContainerdRuns
from collectors.inventory.grpc import containerd_v1, runtime_v1
from collectors.inventory.grpc.channel import NoAnswer
from collectors.inventory.grpc.containerd_v1 import Process as Task
from collectors.inventory.grpc.containerd_v1 import Timestamp
from collectors.inventory.grpc.runtime_v1 import ContainerStatus, PodSandboxStatus
from collectors.inventory.pods import Pod, Pods
from collectors.model import Entry, Network, Reason, Role, State
from runtime.linux.hierarchies import detect
from tests.unit.collectors.inventory.containerdengine import (
    MAIN,
    NEXT,
    PLAIN,
    SANDBOX,
    SECOND,
    Noted,
    config,
    pod_config,
    write_bundle,
    write_note,
)


class Told:
    """A teller whose answers a test sets; `before` is called with each question for a status or a task."""

    def __init__(self) -> None:
        self.specs: dict[Ref, bytes] = {}
        self.tasks: dict[Ref, Task] = {}
        self.statuses: dict[Ref, ContainerStatus] = {}
        self.sandboxes: dict[str, PodSandboxStatus] = {}
        self.problems: dict[Ref, Exception] = {}
        self.before: Callable[[Ref], None] = lambda ref: None
        self.asked_facts = 0

    async def refs(self) -> set[Ref]:
        return set(self.specs)

    async def facts(self, ref: Ref) -> Facts | None:
        self.asked_facts += 1
        if ref in self.problems:
            raise self.problems[ref]
        return Facts(spec=spec_of(self.specs[ref]), image="reg/web:1") if ref in self.specs else None

    async def task(self, ref: Ref) -> Task | None:
        self.before(ref)
        return self.tasks.get(ref)

    async def began(self, ref: Ref) -> float | None:
        return 10.0 if ref in self.tasks else None

    async def status(self, ref: Ref, facts: Facts) -> ContainerStatus | None:
        self.before(ref)
        return self.statuses.get(ref)

    async def sandbox(self, id: str) -> PodSandboxStatus | None:
        return self.sandboxes.get(id)

    # What a test sets

    def pod(self) -> None:
        self.specs[SANDBOX] = pod_config(SANDBOX)
        self.tasks[SANDBOX] = Task(id=SANDBOX.id, pid=os.getpid(), status=containerd_v1.RUNNING)
        self.sandboxes[SANDBOX.id] = PodSandboxStatus(
            id=SANDBOX.id,
            metadata=runtime_v1.PodSandboxMetadata("web", "u1", "shop"),
            created_at=5 * SECOND,
            labels={"app": "web"},
        )

    def main(self, ref: Ref = MAIN, **values: object) -> None:
        self.specs[ref] = pod_config(ref)
        metadata = runtime_v1.ContainerMetadata("main", 0)
        labels = {"io.kubernetes.container.name": "main"}
        self.statuses[ref] = ContainerStatus(
            id=ref.id, metadata=metadata, labels=labels, log_path="/logs/main/0.log", **values
        )

    def main_runs(self, ref: Ref = MAIN, at: int = 10) -> None:
        self.main(ref, state=runtime_v1.RUNNING, started_at=at * SECOND)
        self.tasks[ref] = Task(id=ref.id, pid=os.getpid(), status=containerd_v1.RUNNING)

    def main_over(self, ref: Ref = MAIN, at: int = 10, code: int = 0, reason: str = "Error") -> None:
        self.tasks.pop(ref, None)
        values = {"started_at": at * SECOND, "finished_at": (at + 10) * SECOND}
        self.main(ref, state=runtime_v1.EXITED, exit_code=code, reason=reason, **values)

    def plain(self, status: int = 0, code: int = 0) -> None:
        self.specs[PLAIN] = config(PLAIN)
        if status:
            over = Timestamp(20) if status == containerd_v1.STOPPED else Timestamp()
            self.tasks[PLAIN] = Task(
                id=PLAIN.id, pid=os.getpid(), status=status, exit_status=code, exited_at=over
            )


class Scene:
    def __init__(self) -> None:
        self.board = Noted()
        self.told = Told()
        self.pods = Pods()
        self.follower = Follower(ContainerdRuns(self.board), detect(), self.pods)

    def entry(self, ref: Ref) -> Entry:
        return self.board.entries[ref.key]


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_survey_of_everything(scene: Scene) -> None:
    scene.told.pod()
    scene.told.main_runs()
    scene.told.plain(containerd_v1.PAUSED)
    assert await scene.follower.survey(scene.told) == {SANDBOX, MAIN, PLAIN}
    assert scene.board.complete
    sandbox, main, plain = scene.entry(SANDBOX), scene.entry(MAIN), scene.entry(PLAIN)
    assert (sandbox.container.role, sandbox.network, sandbox.container.pod) == (
        Role.SANDBOX, Network.OWNER, "web",
    )  # fmt: skip
    assert sandbox.container.started_at == 5.0
    assert (main.container.container, main.network, main.pid) == ("main", Network.FOLLOWER, os.getpid())
    assert main.container.labels == {"app": "web", "io.kubernetes.container.name": "main"}
    assert (plain.container.state, plain.container.started_at) == (State.PAUSED, 10.0)
    assert scene.pods.of("u1") == Pod(uid="u1", namespace="shop", name="web", labels={"app": "web"})


async def test_attempts_are_told_in_their_order(scene: Scene) -> None:
    scene.told.pod()
    scene.told.main_runs(MAIN, at=40)
    scene.told.main_over(NEXT, at=10, code=1)
    await scene.follower.survey(scene.told)
    assert [name for name, _ in scene.board.told] == [SANDBOX.id[:6], NEXT.id[:6], MAIN.id[:6]]
    assert scene.board.states(NEXT) == ["exited"]


async def test_a_start_that_the_cri_notes_later(scene: Scene) -> None:
    scene.told.pod()
    scene.told.main()
    looks: list[Ref] = []

    def noted_at_the_third_look(ref: Ref) -> None:
        looks.append(ref)
        if len(looks) == 3:
            scene.told.main_runs()

    scene.told.before = noted_at_the_third_look
    await scene.follower.started(scene.told, MAIN, 9.9)
    assert scene.board.states(MAIN) == ["created", "running"]
    assert scene.entry(MAIN).container.started_at == 10.0


async def test_a_sandbox_is_named_by_its_annotations_until_the_cri_knows_it(scene: Scene) -> None:
    scene.told.specs[SANDBOX] = pod_config(SANDBOX)
    await scene.follower.look(scene.told, SANDBOX)
    container = scene.entry(SANDBOX).container
    assert (container.state, container.namespace, container.pod) == (State.CREATED, "shop", "web")
    assert scene.pods.of("u1") is None


async def test_an_exit_is_told_at_once_with_its_code(scene: Scene) -> None:
    scene.told.pod()
    scene.told.main_runs()
    await scene.follower.survey(scene.told)
    scene.told.before = lambda ref: pytest.fail("the event says it all")
    await scene.follower.exited(scene.told, MAIN, 20.0, 3)
    container = scene.entry(MAIN).container
    assert (container.state, container.exit_code, container.finished_at, container.reason) == (
        State.EXITED, 3, 20.0, Reason.ERROR,
    )  # fmt: skip


async def test_a_kill_waits_for_the_reason(scene: Scene) -> None:
    scene.told.pod()
    scene.told.main_runs()
    await scene.follower.survey(scene.told)
    looks: list[Ref] = []

    def noted_at_the_second_look(ref: Ref) -> None:
        looks.append(ref)
        if len(looks) == 3:
            scene.told.main_over(code=137, reason="OOMKilled")

    scene.told.before = noted_at_the_second_look
    await scene.follower.exited(scene.told, MAIN, 20.0, 137)
    assert scene.board.states(MAIN) == ["running", "exited"]
    assert scene.entry(MAIN).container.reason is Reason.OOM


async def test_an_exit_of_whom_nobody_saw_start(scene: Scene) -> None:
    scene.told.pod()
    scene.told.main()
    await scene.follower.look(scene.told, MAIN)
    scene.told.main_over(code=3)
    await scene.follower.exited(scene.told, MAIN, 20.0, 3)
    assert scene.board.states(MAIN) == ["created", "running", "exited"]


async def test_a_container_that_is_gone_before_it_was_looked_at(scene: Scene) -> None:
    await scene.follower.started(scene.told, PLAIN, 10.0)
    await scene.follower.exited(scene.told, PLAIN, 20.0, 0)
    assert scene.board.told == []


async def test_a_plain_container_whose_task_was_deleted(scene: Scene) -> None:
    scene.told.plain(containerd_v1.RUNNING)
    await scene.follower.look(scene.told, PLAIN)
    await scene.follower.exited(scene.told, PLAIN, 20.0, 7)
    del scene.told.tasks[PLAIN]
    await scene.follower.look(scene.told, PLAIN)
    assert scene.board.states(PLAIN) == ["running", "exited"]
    assert scene.entry(PLAIN).container.exit_code == 7


async def test_what_vanished_with_a_note_and_without(scene: Scene) -> None:
    scene.told.pod()
    scene.told.main_runs()
    scene.told.plain(containerd_v1.RUNNING)
    await scene.follower.survey(scene.told)
    scene.told.main_over(code=5)
    await scene.follower.vanished(scene.told, MAIN)
    assert scene.entry(MAIN).container.exit_code == 5
    del scene.told.specs[PLAIN], scene.told.tasks[PLAIN]
    scene.follower.changed(PLAIN)
    await scene.follower.vanished(scene.told, PLAIN)
    assert scene.board.states(PLAIN) == ["running", "exited", "gone"]


async def test_a_removed_sandbox_takes_its_pod_along(scene: Scene) -> None:
    scene.told.pod()
    await scene.follower.survey(scene.told)
    scene.follower.forget(SANDBOX)
    assert scene.pods.of("u1") is None
    assert scene.board.states(SANDBOX) == ["running", "gone"]
    await scene.follower.survey(scene.told)
    scene.told.specs.clear()
    await scene.follower.survey(scene.told)
    assert scene.pods.of("u1") is None
    assert scene.board.entries == {}


async def test_facts_are_asked_for_again_when_they_changed(scene: Scene) -> None:
    scene.told.plain()
    for _ in range(2):
        await scene.follower.look(scene.told, PLAIN)
    assert scene.told.asked_facts == 1
    scene.follower.changed(PLAIN)
    await scene.follower.look(scene.told, PLAIN)
    assert scene.told.asked_facts == 2


async def test_a_container_that_cannot_be_asked_hides_no_other(scene: Scene) -> None:
    scene.told.plain(containerd_v1.RUNNING)
    scene.told.specs[NEXT] = b"{}"
    scene.told.problems[NEXT] = NoAnswer("it hangs")
    await scene.follower.survey(scene.told)
    assert scene.board.entries.keys() == {PLAIN.key}
    await scene.follower.look(scene.told, NEXT)
    assert scene.board.complete


async def test_a_bundle_that_is_being_written_is_looked_at_again(scene: Scene) -> None:
    scene.told.problems[PLAIN] = UnreadableBundle("half of it")
    appeared = asyncio.ensure_future(scene.follower.appeared(scene.told, PLAIN))
    while scene.told.asked_facts < 2:
        await asyncio.sleep(0)
    scene.told.problems.clear()
    while scene.told.asked_facts < 3:
        await asyncio.sleep(0.001)
    scene.told.plain(containerd_v1.RUNNING)
    await appeared
    assert scene.board.states(PLAIN) == ["running"]


async def test_the_disk_takes_nothing_away_that_the_socket_told(scene: Scene, tmp_path: pathlib.Path) -> None:
    scene.told.pod()
    scene.told.main_runs()
    await scene.follower.survey(scene.told)
    before = dict(scene.board.entries)
    state, root = f"{tmp_path}/state", f"{tmp_path}/root"
    for ref in (SANDBOX, MAIN):
        write_bundle(state, ref, pod_config(ref, f"{tmp_path}/logs"), pid=os.getpid())
    write_note(root, MAIN, StartedAt=10 * SECOND)
    (tmp_path / "logs/main").mkdir(parents=True)
    (tmp_path / "logs/main/1.log").touch()
    await scene.follower.survey(ContainerdDisk(state, root), whole=False)
    assert scene.board.entries == before
    assert scene.pods.of("u1") == Pod(uid="u1", namespace="shop", name="web", labels={"app": "web"})


async def test_values_by_cgroup(scene: Scene) -> None:
    scene.told.plain(containerd_v1.RUNNING)
    await scene.follower.look(scene.told, PLAIN)
    id = scene.entry(PLAIN).container.id
    assert scene.follower.by_cgroup({PLAIN.key: 4096, "nobody": 1}) == {id: 4096}
