"""Podman's SQLite database is read while Podman writes it, and never written."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from collectors.inventory.podman.db import DatabaseUnreadable, PodmanDatabase
from collectors.inventory.podman.facts import Known
from tests.unit.collectors.inventory.tree import id_of

SCHEMA = """
CREATE TABLE ContainerConfig(ID TEXT PRIMARY KEY NOT NULL, Name TEXT UNIQUE NOT NULL, PodID TEXT, JSON TEXT NOT NULL);
CREATE TABLE ContainerState(ID TEXT PRIMARY KEY NOT NULL, State INTEGER NOT NULL, ExitCode INTEGER, JSON TEXT NOT NULL);
CREATE TABLE PodConfig(ID TEXT PRIMARY KEY NOT NULL, Name TEXT UNIQUE NOT NULL, JSON TEXT NOT NULL);
"""
POD = id_of("p")


class Database:
    """A database of Podman's schema, written as Podman does."""

    def __init__(self, root: Path, journal: str) -> None:
        self.path = root / "db.sql"
        self.connection = sqlite3.connect(self.path, isolation_level=None)
        self.connection.execute(f"PRAGMA journal_mode = {journal}")
        self.connection.executescript(SCHEMA)

    def config(self, name: str, text: str | None = None, **config: object) -> str:
        id = id_of(name)
        text = text or json.dumps({"id": id, "name": name} | config)
        self.connection.execute("INSERT INTO ContainerConfig VALUES (?, ?, NULL, ?)", (id, name, text))
        return id

    def state(self, id: str, state: int, **more: object) -> None:
        text = json.dumps({"state": state} | more)
        self.connection.execute("REPLACE INTO ContainerState VALUES (?, ?, 0, ?)", (id, state, text))


@pytest.fixture(params=["wal", "delete"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    return Database(tmp_path, request.param)


def test_labels_pod_and_end_of_each_container(database: Database, tmp_path: Path) -> None:
    database.connection.execute("INSERT INTO PodConfig VALUES (?, 'shop', '{}')", (POD,))
    ended = database.config(
        "web", labels={"team": "a"}, pod=POD, logDriver="k8s-file", logPath="/x/ctr.log",
        exposedPorts={"8080": ["tcp"], "53": ["udp"], "x": ["tcp"]},
    )  # fmt: skip
    infra = database.config("infra", pod=POD, pause=True, logDriver="journald", logPath="/x/none")
    new = database.config("new")
    database.state(
        ended, 6, exitCode=3, finishedTime="2026-01-01T00:00:02.5Z", stoppedByUser=True, restartCount=2
    )
    database.state(infra, 3, finishedTime="0001-01-01T00:00:00Z")
    database.state(new, 1)
    assert PodmanDatabase(str(tmp_path)).read() == {
        ended: Known(
            labels={"team": "a"}, pod_id=POD, pod_name="shop", restarts=2, exit_code=3,
            finished_at=1767225602.5, stopped=True, log="/x/ctr.log", ports=(8080,),
        ),
        infra: Known(pod_id=POD, pod_name="shop", infra=True, stopped=False),
        new: Known(begun=False, stopped=False),
    }  # fmt: skip


def test_what_changes_is_read_anew_and_what_goes_is_forgotten(database: Database, tmp_path: Path) -> None:
    id = database.config("web", labels={"a": "b"})
    database.state(id, 3)
    reader = PodmanDatabase(str(tmp_path))
    assert reader.read()[id].exit_code is None
    database.state(id, 6, exitCode=0, finishedTime="2026-01-01T00:00:02Z")
    assert (reader.read()[id].exit_code, reader.read()[id].labels) == (0, {"a": "b"})
    database.connection.execute("DELETE FROM ContainerState")
    assert reader.read() == {}


def test_reading_leaves_every_file_as_it_was(database: Database, tmp_path: Path) -> None:
    database.state(database.config("web"), 3)
    database.connection.close()

    def files() -> dict[str, str]:
        return {
            name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in os.listdir(tmp_path)
        }

    before = files()
    assert len(PodmanDatabase(str(tmp_path)).read()) == 1
    assert files() == before == {"db.sql": before["db.sql"]}


def test_a_writer_in_the_midst_of_its_work_is_waited_out_or_read_around(
    database: Database, tmp_path: Path
) -> None:
    id = database.config("web")
    database.state(id, 3)
    database.connection.execute("BEGIN IMMEDIATE")
    database.state(id, 6, exitCode=1)
    assert PodmanDatabase(str(tmp_path)).read()[id].exit_code is None
    database.connection.execute("COMMIT")
    assert PodmanDatabase(str(tmp_path)).read()[id].exit_code == 1


def test_rows_of_another_shape_tell_nothing(database: Database, tmp_path: Path) -> None:
    odd = database.config("odd", text='{"labels": 7}')
    huge = database.config("huge", labels={"x": "y" * (5 << 20)})
    for id in (odd, huge):
        database.state(id, 3, finishedTime="yesterday")
    assert PodmanDatabase(str(tmp_path)).read() == dict.fromkeys((odd, huge), Known(stopped=False))


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    reader = PodmanDatabase(str(tmp_path))
    assert not reader.there
    (tmp_path / "db.sql").write_text("no database, but long enough to be taken for one " * 10)
    assert reader.there
    with pytest.raises(DatabaseUnreadable, match=r"cannot read .*/db\.sql: file is not a database"):
        reader.read()
    (tmp_path / "db.sql").unlink()
    with closing(sqlite3.connect(tmp_path / "db.sql")) as other:
        other.execute("CREATE TABLE t (a)")
    with pytest.raises(DatabaseUnreadable, match="no such table"):
        reader.read()
