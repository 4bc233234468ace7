"""An OCI configuration becomes plain values, or an error that names what is wrong."""

from __future__ import annotations

import resource
from typing import Any

import pytest

from runtime.container.bundle import host_user, mount_plan, plan_of
from runtime.container.failure import StartError
from runtime.linux import mounts, namespaces


def config(**process: Any) -> dict[str, Any]:
    """A small configuration."""
    return {"process": {"args": ["sh"], **process}}


def test_defaults_are_empty() -> None:
    plan = plan_of(config(), "/root")
    assert (plan.argv, plan.cwd, plan.uid, plan.gid, plan.umask) == ((b"sh",), "/", 0, 0, 0o022)
    assert plan.capabilities == (0, 0, 0, 0, 0)
    assert not (plan.namespaces or plan.mounts or plan.init or plan.host_root or plan.no_new_privs)


def test_environment_and_search_path() -> None:
    plan = plan_of(config(env=["PATH=/a:/b", "X=1=2", "nothing"]), "/")
    assert plan.env == {b"PATH": b"/a:/b", b"X": b"1=2"}
    assert plan.search == (b"/a", b"/b")


def test_namespaces_are_created_or_joined() -> None:
    linux = {"namespaces": [{"type": "pid"}, {"type": "network", "path": "/proc/1/ns/net"}]}
    plan = plan_of({**config(), "linux": linux}, "/")
    assert plan.namespaces == namespaces.NEWPID
    assert plan.joined == ((namespaces.NEWNET, "/proc/1/ns/net"),)


def test_rlimits() -> None:
    entry = {"type": "RLIMIT_CORE", "soft": 5, "hard": 2**64 - 1}
    (limit,) = plan_of(config(rlimits=[entry]), "/").rlimits
    assert limit == ("RLIMIT_CORE", resource.RLIMIT_CORE, 5, resource.RLIM_INFINITY)


def test_annotations() -> None:
    notes = {"deckwatch.io/rootfs": "host", "deckwatch.io/init": "true", "deckwatch.io/hidden": '["/x"]'}
    plan = plan_of({**config(), "annotations": notes, "linux": {"maskedPaths": ["/m"]}}, "/")
    assert plan.host_root and plan.init
    assert plan.masked_paths == ("/m", "/x")


@pytest.mark.parametrize(
    ("options", "add", "remove", "recursive", "propagation"),
    [
        (["rbind", "ro", "nosuid"], mounts.RDONLY | mounts.NOSUID, 0, True, 0),
        (["bind", "rw", "dev", "rslave"], 0, mounts.RDONLY | mounts.NODEV, False, mounts.SLAVE),
        (["bind", "rprivate"], 0, 0, False, mounts.PRIVATE),
    ],
)
def test_mount_options(options: list[str], add: int, remove: int, recursive: bool, propagation: int) -> None:
    plan = mount_plan({"destination": "/t", "source": "/s", "options": options})
    assert (plan.kind, plan.source, plan.target) == ("bind", "/s", "/t")
    assert (plan.add, plan.remove, plan.recursive, plan.propagation) == (add, remove, recursive, propagation)


def test_options_of_a_file_system_are_kept() -> None:
    plan = mount_plan({"destination": "/t", "type": "tmpfs", "options": ["size=64k", "noswap", "noexec"]})
    assert plan.options == (("size", "64k"), ("noswap", None))
    assert plan.add == mounts.NOEXEC


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"process": {"args": []}}, "args is empty"),
        ({}, "process"),
        ({**config(capabilities={"bounding": ["CAP_X"]})}, "CAP_X"),
        ({**config(), "mounts": [{"destination": "/t", "options": ["bind", "bogus"]}]}, "bogus"),
        ({**config(), "linux": {"namespaces": [{"type": "time"}]}}, "time"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(StartError, match=named) as caught:
        plan_of(wrong, "/")
    assert caught.value.stage == "config"


def test_host_user_goes_through_the_mappings() -> None:
    maps = {"uidMappings": [{"containerID": 0, "hostID": 5000, "size": 10}], "gidMappings": []}
    user = {"uid": 3, "gid": 4}
    assert host_user({**config(user=user), "linux": maps}) == (5003, 4)
    with pytest.raises(StartError, match="11 has no mapping"):
        host_user({**config(user={"uid": 11}), "linux": maps})
