from __future__ import annotations

import pathlib
import sqlite3
from collections.abc import Iterator

import pytest

from collectors.logs.assemble import Pending
from collectors.logs.counters import Counters
from collectors.logs.files import Place
from collectors.logs.positions import Positions, Progress
from runtime.linux.errors import DeckwatchError


@pytest.fixture
def path(tmp_path: pathlib.Path) -> Iterator[str]:
    yield str(tmp_path / "positions.db")


def progress() -> Progress:
    counters = Counters(dropped={"cut": 1})
    counters.lines["stdout"] = 5
    return Progress(
        place=Place(1, 2, 3, 3, b"head", 3, b"marker"),
        skipping=True,
        time=99,
        pending={"stdout": Pending(7, bytearray(b"half"), 4, b"key", 11)},
        cuts=[(b"key", 0, 3)],
        counters=counters,
    )


def test_what_is_saved_is_loaded_again(path: str) -> None:
    store = Positions(path, Progress)
    store.save([("/x", progress()), ("/y", Progress())], 1000)
    store.save([("/y", Progress(time=1))], 1001)
    store.close()
    again = Positions(path, Progress)
    assert again.load() == {"/x": progress(), "/y": Progress(time=1)}
    assert again.moved_aside == ""
    again.close()


def test_a_transaction_that_was_not_ended_is_as_if_it_had_not_been(path: str) -> None:
    store = Positions(path, Progress)
    store.save([("/x", Progress(time=1))], 1000)
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    other.execute("DELETE FROM positions")
    other.close()
    assert store.load() == {"/x": Progress(time=1)}
    store.close()


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"\0" * 4096])
def test_a_broken_store_is_moved_aside(path: str, content: bytes) -> None:
    pathlib.Path(path).write_bytes(content)
    store = Positions(path, Progress)
    assert store.load() == {}
    assert pathlib.Path(store.moved_aside).read_bytes() == content
    store.save([("/x", Progress())], 1)
    store.close()


def test_a_store_of_another_version_is_moved_aside(path: str) -> None:
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version=99")
    database.close()
    store = Positions(path, Progress)
    assert store.moved_aside
    store.close()


def test_a_disk_that_takes_nothing_is_told_in_one_line(path: str) -> None:
    store = Positions(path, Progress)
    other = sqlite3.connect(path)
    other.execute("DROP TABLE positions")
    other.close()
    with pytest.raises(DeckwatchError, match=r"cannot save log positions in .*positions\.db"):
        store.save([("/x", Progress())], 1)
    store.close()


def test_only_what_is_long_gone_is_forgotten(path: str) -> None:
    store = Positions(path, Progress)
    week = 7 * 86400
    store.save([("/gone", Progress()), ("/known", Progress())], 0)
    store.save([("/recent", Progress())], week)
    store.forget(["/known"], week + 1)
    assert store.load().keys() == {"/known", "/recent"}
    store.close()


def test_old_boundaries_give_way_to_new_ones() -> None:
    one = Progress()
    for number in range(100):
        one.remember((b"k", number, 1))
    assert len(one.cuts) == 64
    assert one.cuts[-1] == (b"k", 99, 1)
