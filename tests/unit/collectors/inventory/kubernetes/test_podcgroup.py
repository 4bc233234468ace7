"""Pods' cgroups are told by their paths, and carry the names that somebody knows."""

from __future__ import annotations

import asyncio
import pathlib

import pytest

from collectors.inventory.kubernetes.podcgroup import PodCgroups, pod_uid
from collectors.inventory.merge import Inventory
from collectors.inventory.pods import Pod, Pods
from collectors.model import Network, Role
from runtime.linux.hierarchies import Hierarchies, Hierarchy

UID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
ESCAPED = UID.replace("-", "_")
HASH = "0123456789abcdef" * 2
HEX = "ab" * 32


@pytest.mark.parametrize(
    ("path", "uid"),
    [
        (f"/kubepods/burstable/pod{UID}", UID),
        (f"/kubepods/besteffort/pod{HASH}", HASH),
        (f"/kubepods/pod{UID}", UID),
        (f"/own/root/kubepods/pod{UID}", UID),
        (f"/kubepods.slice/kubepods-pod{ESCAPED}.slice", UID),
        (f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{ESCAPED}.slice", UID),
        (f"/docker/{HEX}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{ESCAPED}.slice", UID),
        (
            f"/a.slice/a-kubepods.slice/a-kubepods-besteffort.slice/a-kubepods-besteffort-pod{HASH}.slice",
            HASH,
        ),
        ("/kubepods", ""),
        ("/kubepods/burstable", ""),
        ("/kubepods.slice/kubepods-besteffort.slice", ""),
        (f"/kubepods/burstable/pod{UID}/{HEX}", None),
        (f"/kubepods.slice/kubepods-pod{ESCAPED}.slice/cri-containerd-{HEX}.scope", None),
        ("/kubepods/other", None),
        ("/system.slice/kubepods.service", None),
        ("/", None),
        ("", None),
    ],
)
def test_the_uid_stands_in_the_path(path: str, uid: str | None) -> None:
    assert pod_uid(path) == uid


@pytest.mark.parametrize(
    "inside", [f"/kubepods/pod{UID}", f"/kubepods.slice/kubepods-pod{ESCAPED}.slice", "/kubepods"]
)
def test_a_container_cannot_pass_for_another_pod(inside: str) -> None:
    assert pod_uid(f"/kubepods/burstable/pod{HASH}/{HEX}{inside}") is None
    assert pod_uid(f"/kubepods.slice/kubepods-pod{HASH}.slice/cri-containerd-{HEX}.scope{inside}") is None


async def test_pods_are_named_as_soon_as_they_are_known(tmp_path: pathlib.Path) -> None:
    pods, news = Pods(), 0

    def heard() -> None:
        nonlocal news
        news += 1

    tree = Hierarchies({}, Hierarchy(2, frozenset(), str(tmp_path)))
    (tmp_path / "kubepods" / f"pod{UID}").mkdir(parents=True)
    source = PodCgroups(pods, tree, heard)
    source.reset(["/kubepods", f"/kubepods/pod{UID}", "/system.slice"])
    board = Inventory([source], lambda old, new: None)
    running = asyncio.ensure_future(board.run())
    try:
        async with asyncio.timeout(5):
            while not board.complete:
                await asyncio.sleep(0)
        above, entry = board.entries()["/kubepods"], board.entries()[f"/kubepods/pod{UID}"]
        assert len(board.entries()) == 2
        assert (above.container.role, above.container.pod) == (Role.SLICE, "")
        assert (entry.container.role, entry.container.pod, entry.container.name) == (Role.POD, "", "")
        assert (entry.pod_uid, entry.network) == (UID, Network.NONE)
        assert entry.container.started_at is not None
        (tmp_path / "kubepods" / f"pod{UID}" / HEX).mkdir()
        pods.tell("kubelet", {UID: Pod(uid=UID, namespace="shop", name="web-1", owner="Job/x")})
        container = board.entries()[f"/kubepods/pod{UID}"].container
        assert (container.namespace, container.pod, container.container) == ("shop", "web-1", "")
        assert (container.owner, container.name, container.image) == ("Job/x", "", "")
        assert container.started_at == entry.container.started_at
        source.created(f"/kubepods/pod{HASH}")
        source.created(f"/kubepods/pod{HASH}/{HEX}")
        source.created(f"/kubepods/pod{HASH}/{HEX}/init.scope")
        source.created("/other")
        assert news == 2 and f"/kubepods/pod{HASH}" in board.entries()
        source.removed(f"/kubepods/pod{HASH}")
        assert f"/kubepods/pod{HASH}" not in board.entries()
    finally:
        running.cancel()
