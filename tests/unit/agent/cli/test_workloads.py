"""deckwatch apply, start, stop, restart, rm, scale."""

from __future__ import annotations

import io
import pathlib

import msgspec
import pytest

from runtime.supervision.reconcile import API, Action, Change
from tests.unit.agent.cli.conftest import Call, Running


def replica(name: str, **fields: object) -> dict[str, object]:
    return {"name": name, "state": "running", "reason": None, "message": "", "exit_code": None} | fields


def statuses(agent: Running, *replicas: dict[str, object]) -> None:
    """Let the agent say this of every workload."""
    kind = msgspec.defstruct("Status", [("name", str), ("replicas", list)])
    agent.api.workloads.status = lambda: [kind(name, list(replicas)) for name in agent.api.workloads.names]


@pytest.fixture
def file(tmp_path: pathlib.Path) -> str:
    (tmp_path / "w.yaml").write_text("workloads: [{name: web, rootfs: host, env: {PORT: 8080}}]")
    return str(tmp_path / "w.yaml")


def changes(agent: Running, *found: Change) -> None:
    async def apply(specs: object, *, owner: str, prune: bool, dry_run: bool) -> list[Change]:
        agent.api.workloads.calls.append((specs, owner, prune, dry_run))
        agent.api.workloads.names = ["web"]
        return list(found)

    agent.api.workloads.apply = apply


def test_apply_tells_changes_and_waits(ask: Call, agent: Running, file: str) -> None:
    changes(agent, Change(name="web", action=Action.CREATE), Change(name="old", action=Action.REMOVE))
    statuses(agent, replica("web-1"))
    result = ask("apply", "-f", file, "--prune")
    assert (result.code, result.out) == (0, "web: created\nold: removed\nweb-1: running\n")
    (specs, owner, prune, dry_run), settled = agent.api.workloads.calls
    assert (specs[0].env, owner, prune, dry_run) == ({"PORT": "8080"}, API, True, False)
    assert settled[0] == "settled"


def test_apply_of_what_does_not_come_up_is_exit_1_with_the_reason(
    ask: Call, agent: Running, file: str
) -> None:
    changes(agent, Change(name="web", action=Action.UPDATE))
    statuses(
        agent,
        replica("web-1", state="refused", message="resources.memory: cannot be enforced; run as root"),
        replica("web-2", state="exited", reason="error", exit_code=3),
        replica("web-3", state="exited", reason="completed", exit_code=0),
    )
    result = ask("apply", "-f", file)
    assert (result.code, result.out) == (1, "web: updated\nweb-3: exited\n")
    assert result.err == (
        "deckwatch: web-1 is refused: resources.memory: cannot be enforced; run as root\n"
        "deckwatch: web-2 is exited: error (code 3); see deckwatch logs web-2\n"
    )


def test_dry_run_and_no_wait(ask: Call, agent: Running, file: str) -> None:
    changes(agent, Change(name="web", action=Action.CREATE), Change(name="same", action=Action.KEEP))
    assert ask("apply", "-f", file, "--dry-run").out == "web: would create\nsame: unchanged\n"
    assert ask("apply", "-f", file, "--no-wait").out == "web: created\nsame: unchanged\n"
    assert [call[0] for call in agent.api.workloads.calls if call[0] == "settled"] == []


def test_apply_reads_standard_input(ask: Call, agent: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("name: web\nrootfs: host\n"))
    assert ask("apply", "-f", "-", "--dry-run").code == 0
    assert agent.api.workloads.calls[0][1] == ["web"]


def test_wrong_files_name_every_error(ask: Call, tmp_path: pathlib.Path) -> None:
    (tmp_path / "w.yaml").write_text("- name: web\n  comand: [x]\n- name: Web\n")
    result = ask("apply", "-f", str(tmp_path / "w.yaml"))
    assert (result.code, len(result.err.splitlines())) == (1, 2)
    assert f"{tmp_path}/w.yaml:2: [0].comand: unknown key; did you mean command?" in result.err


def test_verbs(ask: Call, agent: Running) -> None:
    statuses(agent, replica("demo-1"))
    assert ask("stop", "demo").out == "demo: stopped\n"
    assert ask("start", "demo").out == "demo-1: running\n"
    assert ask("restart", "demo", "--no-wait").out == "demo: restart\n"
    assert ask("scale", "demo=3").out == "demo-1: running\n"
    assert ask("rm", "--keep-logs", "demo").out == "demo: removed\n"
    verbs = [call for call in agent.api.workloads.calls if call[0] != "settled"]
    assert verbs == [
        ("stop", "demo"), ("start", "demo"), ("restart", "demo"), ("scale", "demo", 3), ("remove", "demo", True),
    ]  # fmt: skip


def test_all_names_are_tried(ask: Call, agent: Running) -> None:
    result = ask("stop", "nobody", "demo")
    assert (result.code, result.out) == (1, "demo: stopped\n")
    assert result.err == "deckwatch: no workload nobody; deckwatch ps -a lists what there is\n"


def test_wrong_use(ask: Call) -> None:
    for arguments in (["scale", "demo"], ["scale", "demo=x"], ["stop"], ["apply"]):
        assert ask(*arguments).code == 2
