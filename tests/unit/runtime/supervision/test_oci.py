"""A specification as an OCI configuration: complete, and accepted by the plan of the executor."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from runtime.container.bundle import host_user, plan_of
from runtime.linux import namespaces
from runtime.supervision import oci
from runtime.supervision.spec import decode


def config(rootless: bool = False, hidden: tuple[str, ...] = (), **keys: Any) -> dict[str, Any]:
    """The configuration of a workload on the host's root with these keys."""
    raw = {"name": "web", "rootfs": "host", "command": ["true"], **keys}
    return oci.config_for(
        decode(raw),
        "web-1",
        cgroup_path="/deckwatch/workloads/web-1",
        hidden=hidden,
        rootless=rootless,
        uid=1000,
        gid=1001,
    )


def test_defaults() -> None:
    found = config()
    plan = plan_of(found, "/")
    assert (plan.uid, plan.init, plan.host_root, plan.no_new_privs) == (65534, True, True, True)
    assert plan.hostname == "web-1"
    assert plan.namespaces & namespaces.NEWNET
    assert not plan.namespaces & namespaces.NEWUSER
    assert dict(entry.split("=", 1) for entry in found["process"]["env"])["HOSTNAME"] == "web-1"
    assert found["linux"]["cgroupsPath"] == "/deckwatch/workloads/web-1"
    assert found["annotations"]["deckwatch.io/seccomp"] == "narrow"
    json.dumps(found)


def test_a_root_file_system_of_its_own_runs_as_root(tmp_path: Any) -> None:
    plan = plan_of(config(rootfs=str(tmp_path)), str(tmp_path))
    assert (plan.uid, plan.host_root) == (0, False)
    assert not any(mount.target in ("/tmp", "/run") for mount in plan.mounts)


def test_hidden_directories_concern_the_host_root_only(tmp_path: Any) -> None:
    assert "/secret" in plan_of(config(hidden=("/secret",)), "/").masked_paths
    assert "/secret" not in plan_of(config(rootfs=str(tmp_path), hidden=("/secret",)), "/").masked_paths


@pytest.mark.parametrize(
    ("uid", "asked", "bounding", "effective", "ambient"),
    [
        (0, {}, oci.CAPABILITIES, oci.CAPABILITIES, ()),
        (0, {"drop": ["ALL"]}, (), (), ()),
        (0, {"drop": ["ALL"], "add": ["CHOWN"]}, ("CAP_CHOWN",), ("CAP_CHOWN",), ()),
        (
            0,
            {"add": ["CAP_SYS_TIME"]},
            (*oci.CAPABILITIES, "CAP_SYS_TIME"),
            (*oci.CAPABILITIES, "CAP_SYS_TIME"),
            (),
        ),
        (5, {}, oci.CAPABILITIES, (), ()),
        (5, {"add": ["NET_RAW"]}, (*oci.CAPABILITIES, "CAP_NET_RAW"), ("CAP_NET_RAW",), ("CAP_NET_RAW",)),
    ],
)
def test_capabilities(
    uid: int,
    asked: dict[str, Any],
    bounding: tuple[str, ...],
    effective: tuple[str, ...],
    ambient: tuple[str, ...],
) -> None:
    sets = config(user=uid, security={"capabilities": asked})["process"]["capabilities"]
    assert sorted(sets["bounding"]) == sorted(bounding)
    assert sorted(sets["effective"]) == sorted(sets["permitted"]) == sorted(effective)
    assert sorted(sets.get("ambient", ())) == sorted(sets.get("inheritable", ())) == sorted(ambient)


def test_an_ordinary_user_is_mapped_to_the_one_asked_for() -> None:
    found = config(rootless=True, user="7:8")
    assert plan_of(found, "/").namespaces & namespaces.NEWUSER
    assert host_user(found) == (1000, 1001)
    assert found["linux"]["resources"] == {}
    assert not any(mount["type"] == "cgroup" for mount in found["mounts"])


def test_host_network_without_root_binds_sys() -> None:
    found = config(rootless=True, network={"mode": "host"})
    sysfs = next(mount for mount in found["mounts"] if mount["destination"] == "/sys")
    assert sysfs["type"] == "bind" and "ro" in sysfs["options"]


def test_own_mounts_come_last_and_in_order() -> None:
    mounts = [
        {"type": "tmpfs", "target": "/a", "size": "1Mi"},
        {"type": "bind", "source": "/etc", "target": "/b"},
    ]
    first, second = config(mounts=mounts)["mounts"][-2:]
    assert (first["destination"], first["type"]) == ("/a", "tmpfs")
    assert "size=1048576" in first["options"]
    assert (second["destination"], second["source"]) == ("/b", "/etc")


@pytest.mark.root
@pytest.mark.skipif(shutil.which("runc") is None, reason="runc is not installed (apt install runc)")
def test_another_runtime_takes_the_same_bundle(tmp_path: Any) -> None:
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox is not installed (apt install busybox-static)")
    (tmp_path / "rootfs/bin").mkdir(parents=True)
    shutil.copy(busybox, tmp_path / "rootfs/bin/busybox")
    found = config(rootfs=str(tmp_path / "rootfs"), command=["/bin/busybox", "hostname"])
    found["root"]["path"] = "rootfs"
    found["linux"]["cgroupsPath"] = f"/deckwatch-test-oci-{os.getpid()}-{tmp_path.name}"
    (tmp_path / "config.json").write_text(json.dumps(found))
    command = ["runc", "--root", str(tmp_path / "state"), "run", "--bundle", str(tmp_path), "web-1"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert (done.returncode, done.stdout) == (0, "web-1\n"), done.stderr
