from __future__ import annotations

import pathlib
import select

from collectors.logs.watcher import Watcher


def happened(watcher: Watcher) -> set[str | None]:
    assert watcher.fd is not None
    assert select.select([watcher.fd], [], [], 5)[0]
    return set(watcher.happened())


def test_a_write_names_the_containers_of_that_file(tmp_path: pathlib.Path) -> None:
    watcher = Watcher()
    for name in ("a", "b"):
        watcher.add(f"/{name}", str(tmp_path / f"{name}.log"))
    assert watcher.complete
    (tmp_path / "b.log").write_text("x")
    assert happened(watcher) == {"/b"}
    (tmp_path / "b.log.1").write_text("x")
    assert happened(watcher) == set()
    watcher.close()


def test_through_a_symbolic_link(tmp_path: pathlib.Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.log").touch()
    (tmp_path / "link.log").symlink_to(tmp_path / "real" / "a.log")
    watcher = Watcher()
    watcher.add("/a", str(tmp_path / "link.log"))
    (tmp_path / "real" / "a.log").write_text("x")
    assert happened(watcher) == {"/a"}
    watcher.close()


def test_a_missing_directory_is_watched_once_it_is_there(tmp_path: pathlib.Path) -> None:
    watcher = Watcher()
    watcher.add("/a", str(tmp_path / "later" / "a.log"))
    watcher.add("/b", str(tmp_path / "b.log"))
    assert not watcher.complete
    assert watcher.unseen() == {"/a"}
    assert not watcher.refusal  # it may come yet: nothing is to be done about it
    (tmp_path / "later").mkdir()
    watcher.retry()
    assert watcher.complete
    assert not watcher.unseen()
    (tmp_path / "later" / "a.log").touch()
    assert happened(watcher) == {"/a"}
    watcher.close()


def test_a_directory_is_watched_as_long_as_one_needs_it(tmp_path: pathlib.Path) -> None:
    watcher = Watcher()
    watcher.add("/a", str(tmp_path / "a.log"))
    watcher.add("/b", str(tmp_path / "b.log"))
    watcher.remove("/a")
    watcher.remove("/unknown")
    (tmp_path / "b.log").touch()
    assert happened(watcher) == {"/b"}
    watcher.remove("/b")
    (tmp_path / "b.log").write_text("x")
    assert set(watcher.happened()) == set()
    watcher.add("/b", str(tmp_path / "c.log"))
    (tmp_path / "c.log").touch()
    assert happened(watcher) == {"/b"}
    watcher.close()
