"""Rows reach the file in batches, wait while the disk refuses them, and a damaged file is put aside."""

from __future__ import annotations

import os
import pathlib
import sqlite3
import time

import pytest

from agent.store import Store
from runtime.linux.errors import DeckwatchError

SCHEMA = ("CREATE TABLE IF NOT EXISTS things (id INTEGER PRIMARY KEY, text TEXT)",)
INSERT = "INSERT OR REPLACE INTO things VALUES (?, ?)"


def stored(path: pathlib.Path) -> list[tuple[int, str]]:
    database = sqlite3.connect(path)
    try:
        return database.execute("SELECT id, text FROM things ORDER BY id").fetchall()
    finally:
        database.close()


def wait_until(condition: object, limit: float = 5.0) -> None:
    assert callable(condition)
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "not within the limit"
        time.sleep(0.005)


def test_what_was_put_is_there_within_a_second_without_closing(tmp_path: pathlib.Path) -> None:
    store = Store(str(tmp_path / "s.db"), SCHEMA)
    for number in range(100):
        store.put(number, INSERT, (number, "x"))
    wait_until(lambda: len(stored(tmp_path / "s.db")) == 100, limit=1.0)
    store.close()


def test_the_last_statement_under_a_key_counts(tmp_path: pathlib.Path) -> None:
    store = Store(str(tmp_path / "s.db"), SCHEMA, delay=10)
    for text in ("a", "b", "c"):
        store.put("same", INSERT, (1, text))
    store.put("other", "DELETE FROM things WHERE id = ?", (2,))
    store.put("late", INSERT, (2, "d"))
    store.put("other", "DELETE FROM things WHERE id = ?", (2,))
    store.close()
    assert stored(tmp_path / "s.db") == [(1, "c")]


def test_rows_are_read_back_by_the_next_one(tmp_path: pathlib.Path) -> None:
    first = Store(str(tmp_path / "s.db"), SCHEMA)
    first.put_now(INSERT, (1, "now"))
    first.put(2, INSERT, (2, "later"))
    first.close()
    second = Store(str(tmp_path / "s.db"), SCHEMA)
    assert second.rows("SELECT text FROM things ORDER BY id") == [("now",), ("later",)]
    assert not second.renewed
    second.close()


@pytest.mark.parametrize("damage", ["garbage", "version", "page"])
def test_a_file_that_cannot_be_used_is_put_aside(tmp_path: pathlib.Path, damage: str) -> None:
    path = tmp_path / "s.db"
    store = Store(str(path), SCHEMA)
    for number in range(500):
        store.put(number, INSERT, (number, "x" * 100))
    store.close()
    if damage == "garbage":
        path.write_bytes(b"not a database" * 100)
    elif damage == "version":
        database = sqlite3.connect(path)
        database.execute("PRAGMA user_version = 99")
        database.close()
    else:
        data = bytearray(path.read_bytes())
        data[4096:12288] = b"\xff" * 8192
        path.write_bytes(data)
    renewed = Store(str(path), SCHEMA)
    assert renewed.renewed
    assert renewed.rows("SELECT * FROM things") == []
    renewed.put(1, INSERT, (1, "fresh"))
    renewed.close()
    assert stored(path) == [(1, "fresh")]
    assert [name for name in os.listdir(tmp_path) if name.startswith("s.db.damaged-")]


def test_statements_wait_while_the_file_is_locked_and_are_bounded(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "s.db"
    store = Store(str(path), SCHEMA, delay=0.01, retry=0.05, most=10)
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    for number in range(30):
        store.put(number, INSERT, (number, "x"))
    wait_until(lambda: bool(store.problem))
    assert "cannot write" in store.problem and str(path) in store.problem
    other.rollback()
    other.close()
    wait_until(lambda: not store.problem)
    store.close()
    assert [id for id, _ in stored(path)] == list(range(20, 30))
    assert store.lost == 20


def test_a_directory_that_is_missing_is_one_clear_line(tmp_path: pathlib.Path) -> None:
    with pytest.raises(DeckwatchError, match=r"cannot open .*gone/s\.db") as caught:
        Store(str(tmp_path / "gone" / "s.db"), SCHEMA)
    assert "\n" not in str(caught.value)
