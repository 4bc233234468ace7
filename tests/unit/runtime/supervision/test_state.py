"""State on disk: what a reader makes of both homes, and of damage."""

from __future__ import annotations

import json
import pathlib

import pytest

from runtime.linux.process import boot_id
from runtime.supervision import state
from runtime.supervision.spec import decode

LIMITS = {"cpus": 0.5, "memory": "1Mi"}


def place(root: pathlib.Path, name: str = "web-1", **changes: object) -> tuple[str, str]:
    run, kept = str(root / "run"), str(root / "state")
    known = {"name": name, "workload": "web", "number": 1, "run": 2, "state": "running", "restarts": 1}
    state.write(f"{state.workload_dir(kept, name)}/replica.json", {"format": 1, **known, **changes})
    return kept, run


def container(run: str, boot: str, name: str = "web-1") -> None:
    values = {"run": 2, "pid": 7, "start": 9, "boot_id": boot, "started_at": 5.0}
    state.write(f"{state.replica_dir(run, name)}/container.json", {"format": 1, **values})


def test_a_running_replica_has_its_pid(tmp_path: pathlib.Path) -> None:
    kept, run = place(tmp_path)
    container(run, boot_id())
    (record,) = state.read_replicas(kept, run)
    assert (record.state, record.pid, record.pid_start, record.started_at) == ("running", 7, 9, 5.0)
    assert record.log_path.endswith("/workloads/web-1/log/current.log")


def test_pids_of_another_boot_are_not_believed(tmp_path: pathlib.Path) -> None:
    kept, run = place(tmp_path)
    container(run, "another boot")
    (record,) = state.read_replicas(kept, run)
    assert (record.state, record.pid) == ("exited", 0)


def test_an_exit_record_ends_the_run(tmp_path: pathlib.Path) -> None:
    kept, run = place(tmp_path)
    container(run, boot_id())
    ended = state.ExitRecord(run=2, finished_at=8.0, reason="error", exit_code=3)
    state.write(f"{state.workload_dir(kept, 'web-1')}/exits/2.json", ended)
    (record,) = state.read_replicas(kept, run)
    assert (record.state, record.exit_code, record.reason, record.pid) == ("exited", 3, "error", 0)
    assert state.last_exit(kept, "web-1") == ended


def test_a_damaged_file_hides_only_its_own_replica(tmp_path: pathlib.Path) -> None:
    kept, run = place(tmp_path)
    place(tmp_path, "web-2", format=9)
    pathlib.Path(state.workload_dir(kept, "web-3")).mkdir()
    pathlib.Path(f"{state.workload_dir(kept, 'web-3')}/replica.json").write_text("{")
    errors: list[state.StateError] = []
    assert [record.name for record in state.read_replicas(kept, run, errors.append)] == ["web-1"]
    assert "format 9" in str(errors[0])
    assert "web-3" in str(errors[1])


def test_desired_state_survives_the_disk(tmp_path: pathlib.Path) -> None:
    spec = decode({"name": "web", "rootfs": "host", "resources": LIMITS})
    path = str(tmp_path / "a/desired.json")
    state.write(path, state.Desired(spec=spec, owner="api", stopped=True))
    found = state.read(path, state.Desired)
    assert found == state.Desired(spec=spec, owner="api", stopped=True)
    assert json.loads(pathlib.Path(path).read_text())["format"] == state.FORMAT
    assert state.limits_of(spec.resources) == state.Limits(cpus=0.5, memory=1 << 20)
    assert not list(tmp_path.rglob("*.tmp"))


def test_nothing_on_disk_is_nothing(tmp_path: pathlib.Path) -> None:
    assert state.read_replicas(str(tmp_path), str(tmp_path)) == []
    assert state.read(str(tmp_path / "x"), state.Desired) is None
    with pytest.raises(state.StateError, match="remove it"):
        (tmp_path / "y").write_text("[]x")
        state.read(str(tmp_path / "y"), state.Desired)
