"""The lists of a storage are read whoever wrote them, and nothing in them is taken on trust."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from collectors.inventory.storage.lists import (
    Metadata,
    StorageUnreadable,
    containers,
    content_of,
    decoded,
    folders,
)
from tests.unit.collectors.inventory.tree import Tree, id_of


def test_a_container_has_name_image_and_both_directories(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    id = tree.create("web")
    (stored,) = containers(tree.root, tree.run)
    assert (stored.id, stored.name, stored.metadata.image_name) == (id, "web", "localhost/i:1")
    assert (stored.directory, stored.run_directory) == (tree.directory(id), tree.run_directory(id))


def test_the_name_of_now_counts_and_not_the_first_one(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.rename(tree.create("first"), "second")
    (stored,) = containers(tree.root, tree.run)
    assert (stored.name, stored.metadata.name) == ("second", "first")


@pytest.mark.parametrize("place", ["root", "run"])
def test_volatile_containers_of_each_driver_are_found(tmp_path: Path, place: str) -> None:
    tree = Tree(tmp_path)
    tree.create("kept")
    folder = tmp_path / place / "btrfs-containers"
    folder.mkdir()
    line = {"id": id_of("b"), "names": ["brief"], "metadata": "{}"}
    (folder / "volatile-containers.json").write_text(json.dumps([line]))
    found = {stored.name: stored for stored in containers(tree.root, tree.run)}
    assert found.keys() == {"kept", "brief"}
    assert found["brief"].directory == f"{tree.root}/btrfs-containers/{id_of('b')}/userdata"
    assert found["brief"].run_directory == f"{tree.run}/btrfs-containers/{id_of('b')}/userdata"


def test_ids_that_lead_elsewhere_are_none(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    for id in ("../../../etc", "A" * 64, "a" * 63, ""):
        tree.lines[id] = {"id": id, "names": ["evil"], "metadata": "{}"}
    tree.list_anew()
    assert containers(tree.root, tree.run) == []


def test_metadata_of_another_shape_tells_nothing(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    for name, metadata in (("a", "none"), ("b", "[1]"), ("c", '{"name": 7}'), ("d", "")):
        tree.lines[name] = {"id": id_of(name), "names": [], "metadata": metadata}
    tree.list_anew()
    assert [(one.name, one.metadata) for one in containers(tree.root, tree.run)] == [("", Metadata())] * 4


def test_an_absent_storage_and_a_damaged_list_are_named(tmp_path: Path) -> None:
    with pytest.raises(StorageUnreadable, match="absent: No such file or directory; nothing to do"):
        containers(f"{tmp_path}/absent", f"{tmp_path}/run")
    tree = Tree(tmp_path)
    tree.put(f"{tree.root}/overlay-containers/containers.json", "{")
    with pytest.raises(StorageUnreadable, match=r"containers\.json is no list of containers"):
        containers(tree.root, tree.run)


def test_a_list_that_is_no_file_hides_no_containers_silently(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    os.unlink(f"{tree.root}/overlay-containers/containers.json")
    assert containers(tree.root, tree.run) == []
    os.mkfifo(f"{tree.root}/overlay-containers/containers.json")
    with pytest.raises(StorageUnreadable, match=r"containers\.json is no file of at most \d+ bytes"):
        containers(tree.root, tree.run)


def test_a_storage_without_a_run_directory_is_one_after_a_reboot(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.create("web")
    assert [stored.name for stored in containers(tree.root, f"{tmp_path}/none")] == ["web"]
    assert folders(f"{tmp_path}/none") == []


class Shape(msgspec.Struct):
    a: int


def test_only_regular_files_of_bearable_size_are_read(tmp_path: Path) -> None:
    good, pipe, link = tmp_path / "good", tmp_path / "pipe", tmp_path / "link"
    good.write_text('{"a": 1}')
    os.mkfifo(pipe)
    link.symlink_to(good)
    assert decoded(str(good), Shape) == Shape(1)
    assert decoded(str(good), Shape, limit=4) is None
    assert [decoded(str(path), Shape) for path in (pipe, link, tmp_path, tmp_path / "none")] == [None] * 4
    assert content_of(str(pipe)) is None
