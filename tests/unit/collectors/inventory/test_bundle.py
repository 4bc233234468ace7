"""Bundles as runtimes leave them: what they say, what they lack, and what is none."""

from __future__ import annotations

import json
import os
import pathlib

import msgspec
import pytest

from collectors.inventory import bundle
from collectors.inventory.bundle import Process, Spec, UnreadableBundle, cgroup_path, own_part, spec_of
from collectors.model import Limits, Network
from runtime.linux.hierarchies import detect
from runtime.linux.process import start_time

POD = "/kubepods/burstable/pod1234/abcd"


def spec(**linux: object) -> Spec:
    return spec_of(json.dumps({"ociVersion": "1.0.2", "linux": linux}).encode())


def test_a_whole_configuration() -> None:
    found = spec_of(
        json.dumps(
            {
                "annotations": {"io.kubernetes.cri.sandbox-name": "web"},
                "process": {"args": ["sh"]},
                "linux": {
                    "cgroupsPath": POD,
                    "namespaces": [{"type": "pid"}, {"type": "network", "path": "/var/run/netns/cni-1"}],
                    "resources": {
                        "memory": {"limit": 64 << 20, "swap": 96 << 20},
                        "cpu": {"quota": 50_000, "period": 100_000, "shares": 2},
                        "pids": {"limit": 50},
                        "unified": {"memory.high": "1000"},
                    },
                },
            }
        ).encode()
    )
    assert found == Spec(
        annotations={"io.kubernetes.cri.sandbox-name": "web"},
        cgroup=POD,
        network=Network.OWNER,
        limits=Limits(cpus=0.5, memory=64 << 20, memory_high=1000, swap=32 << 20, pids=50),
    )


def test_no_limit_has_many_spellings() -> None:
    unlimited: list[dict[str, object]] = [
        {},
        {"memory": {}, "cpu": {}, "pids": {}},
        {"memory": {"limit": 0, "swap": 0}, "cpu": {"quota": 0}, "pids": {"limit": 0}},
        {"memory": {"limit": -1, "swap": -1}, "cpu": {"quota": -1}, "pids": {"limit": -1}},
        {"unified": {"memory.high": "max"}},
    ]
    for resources in unlimited:
        assert spec(resources=resources).limits == Limits()


@pytest.mark.parametrize(
    ("namespaces", "network"),
    [
        ([], Network.HOST),
        ([{"type": "pid"}], Network.HOST),
        ([{"type": "network"}], Network.OWNER),
        ([{"type": "network", "path": "/var/run/netns/cni-1"}], Network.OWNER),
        ([{"type": "network", "path": "/proc/17/ns/net"}], Network.FOLLOWER),
    ],
)
def test_whose_network_it_is(namespaces: list[dict[str, str]], network: Network) -> None:
    assert spec(namespaces=namespaces).network is network


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("", ""),
        ("/", ""),
        (POD, POD),
        ("relative/web", "/relative/web"),
        (
            "kubepods-burstable-pod12_34.slice:cri-containerd:abcd",
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12_34.slice/cri-containerd-abcd.scope",
        ),
        (":libpod:abcd", "/system.slice/libpod-abcd.scope"),
        ("-.slice:docker:abcd", "/docker-abcd.scope"),
        ("machine.slice::abcd", "/machine.slice/abcd.scope"),
    ],
)
def test_a_cgroup_in_both_forms(written: str, path: str) -> None:
    assert cgroup_path(written) == path


@pytest.mark.parametrize(
    ("path", "made", "own"),
    [
        (POD, POD, POD),
        (f"{POD}/init.scope", POD, POD),
        (f"/docker/outer{POD}/x", POD, f"/docker/outer{POD}"),
        ("/default/a", "/default/a", "/default/a"),
        ("/default/abc/x", "/default/a", "/default/abc/x"),
        ("/elsewhere", "/default/a", "/elsewhere"),
        ("/elsewhere", "", "/elsewhere"),
    ],
)
def test_the_part_that_is_the_containers(path: str, made: str, own: str) -> None:
    assert own_part(path, made) == own


def test_a_bundle_on_disk(tmp_path: pathlib.Path) -> None:
    assert bundle.read_spec(str(tmp_path)) is None
    assert bundle.read_spec(f"{tmp_path}/gone") is None
    assert bundle.read_pid(str(tmp_path)) == (0, None)
    (tmp_path / "config.json").write_text('{"linux": {"cgroupsPath": "/a/b"}}')
    (tmp_path / "init.pid").write_text("17")
    os.utime(tmp_path / "init.pid", (5, 5.25))
    assert bundle.read_spec(str(tmp_path)) == Spec(cgroup="/a/b", network=Network.HOST)
    assert bundle.read_pid(str(tmp_path)) == (17, 5.25)
    (tmp_path / "init.pid").write_text("")
    assert bundle.read_pid(str(tmp_path)) == (0, None)


def test_what_is_no_bundle_says_so(tmp_path: pathlib.Path) -> None:
    (tmp_path / "config.json").write_text('{"linux": 3}')
    with pytest.raises(UnreadableBundle, match=r"config\.json is no OCI configuration"):
        bundle.read_spec(str(tmp_path))
    (tmp_path / "config.json").write_bytes(b" " * (bundle.CONFIG_LIMIT + 1))
    with pytest.raises(UnreadableBundle, match="larger than"):
        bundle.read_spec(str(tmp_path))
    (tmp_path / "config.json").unlink()
    (tmp_path / "config.json").mkdir()
    with pytest.raises(UnreadableBundle, match=r"cannot read .*/config\.json"):
        bundle.read_spec(str(tmp_path))
    with pytest.raises(msgspec.MsgspecError):
        spec_of(b"")


def test_a_process_and_its_cgroup() -> None:
    hierarchies = detect()
    found = bundle.process_of(hierarchies, os.getpid(), Spec())
    assert (found.pid, found.start) == (os.getpid(), start_time(os.getpid()))
    assert found.id == hierarchies.id_of(hierarchies.paths_of_pid("self"))
    assert bundle.process_of(hierarchies, 0, Spec()) == Process()
