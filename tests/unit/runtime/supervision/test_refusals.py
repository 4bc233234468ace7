"""What cannot be done is refused by key; nothing that was asked for is ignored."""

from __future__ import annotations

import os
import resource
from typing import Any

import pytest

from runtime.linux import hierarchies
from runtime.supervision.refusals import Host, check, enforceable
from runtime.supervision.spec import WorkloadSpec, decode

V1 = dict.fromkeys(("cpu", "cpuset", "memory", "pids"), 1)
V2 = dict.fromkeys(("cpu", "cpuset", "memory", "pids"), 2)
FULL = Host(controllers=V2, swap_is_limited=True, nofile=1000, nproc=resource.RLIM_INFINITY)
OLD = Host(controllers=V1, swap_is_limited=False, nofile=1000, nproc=1000, capabilities=0)
ORDINARY = Host(controllers={}, swap_is_limited=True, nofile=1000, nproc=1000, rootless=True, capabilities=0)


def spec(**keys: Any) -> WorkloadSpec:
    """A workload on the host's root with these keys."""
    return decode({"name": "web", "rootfs": "host", "command": ["true"], **keys})


def keys(workload: WorkloadSpec, host: Host = FULL) -> list[str]:
    return [refused.key for refused in check(workload, host)]


def test_the_plain_workload_is_fine_everywhere() -> None:
    assert [keys(spec(), host) for host in (FULL, OLD, ORDINARY)] == [[], [], []]


def test_all_limits_are_fine_on_v2() -> None:
    limits = {"cpus": 0.5, "memory": "1Mi", "memory_high": "1Mi", "swap": 0, "pids": 4, "cpuset": "0"}
    assert keys(spec(resources={**limits, "files": {"nofile": 10, "nproc": 10}})) == []


@pytest.mark.parametrize(
    ("wanted", "key"),
    [
        ({"image": "x", "rootfs": None}, "image"),
        ({"verify": {}}, "verify"),
        ({"engine": "runc"}, "engine"),
        ({"tty": True}, "tty"),
        ({"stdin": True}, "stdin"),
        ({"devices": ["/dev/x"]}, "devices"),
        ({"secrets": [{"name": "a", "target": "/a"}]}, "secrets"),
        ({"configs": [{"name": "a", "target": "/a"}]}, "configs"),
        ({"health": {"http": {"port": 1}}}, "health"),
        ({"update": {"order": "start-first"}}, "update"),
        ({"depends_on": [{"workload": "db"}]}, "depends_on"),
        ({"schedule": "* * * * *"}, "schedule"),
        ({"network": {"mode": "bridge"}}, "network.mode"),
        ({"network": {"publish": ["80:80/tcp"]}}, "network.publish"),
        ({"network": {"dns": ["1.1.1.1"]}}, "network.dns"),
        ({"network": {"hosts": {"a": "1.1.1.1"}}}, "network.hosts"),
        ({"resources": {"io": {"weight": 1}}}, "resources.io"),
        ({"resources": {"hugetlb": {"2MB": 0}}}, "resources.hugetlb"),
        ({"resources": {"disk": "1Gi"}}, "resources.disk"),
        ({"resources": {"net": {"classid": 1}}}, "resources.net"),
        ({"security": {"seccomp": "/x.json"}}, "security.seccomp"),
        ({"security": {"seccomp_archs": ["x86"]}}, "security.seccomp_archs"),
        ({"security": {"selinux": "x"}}, "security.selinux"),
        ({"security": {"apparmor": "x"}}, "security.apparmor"),
        ({"security": {"no_setuid": True}}, "security.no_setuid"),
        ({"security": {"userns": {"uids": 1}}}, "security.userns"),
        ({"security": {"capabilities": {"add": ["NONESUCH"]}}}, "security.capabilities.add"),
        ({"security": {"capabilities": {"add": ["ALL"]}}}, "security.capabilities.add"),
        ({"security": {"capabilities": {"drop": ["NONESUCH"]}}}, "security.capabilities.drop"),
        ({"mounts": [{"type": "volume", "name": "x", "target": "/x"}]}, "mounts[0].type"),
        ({"mounts": [{"type": "bind", "source": "/nonesuch", "target": "/x"}]}, "mounts[0].source"),
        ({"sysctls": {"vm.swappiness": 1}}, "sysctls.vm.swappiness"),
        ({"sysctls": {"net.core.somaxconn": 1}, "network": {"mode": "host"}}, "sysctls.net.core.somaxconn"),
        ({"command": []}, "command"),
        ({"rootfs": None}, "rootfs"),
        ({"rootfs": "/nonesuch"}, "rootfs"),
        ({"rootfs": "."}, "rootfs"),
        ({"working_dir": "tmp"}, "working_dir"),
        ({"mounts": [{"type": "tmpfs", "target": "tmp"}]}, "mounts[0].target"),
        ({"mounts": [{"type": "bind", "source": ".", "target": "/x"}]}, "mounts[0].source"),
        ({"resources": {"swap": 0}}, "resources.swap"),
    ],
)
def test_each_is_refused_by_its_key(wanted: dict[str, Any], key: str) -> None:
    refused = check(spec(**wanted), FULL)
    assert key in [one.key for one in refused]
    assert all("\n" not in str(one) and one.remedy for one in refused)


def test_best_effort_does_not_excuse_what_is_not_implemented() -> None:
    assert keys(spec(best_effort=True, tty=True)) == ["tty"]


@pytest.mark.parametrize(
    ("limits", "host", "key"),
    [
        ({"memory_high": "1Mi"}, OLD, "resources.memory_high"),
        ({"memory": "1Mi", "swap": 0}, OLD, "resources.swap"),
        ({"files": {"nofile": 1001}}, OLD, "resources.files.nofile"),
        ({"files": {"nproc": 1001}}, OLD, "resources.files.nproc"),
        ({"pids": 1}, ORDINARY, "resources.pids"),
        ({"cpus": 1}, ORDINARY, "resources.cpus"),
    ],
)
def test_what_the_host_cannot_enforce(limits: dict[str, Any], host: Host, key: str) -> None:
    assert keys(spec(resources=limits), host) == [key]
    relaxed = spec(resources=limits, best_effort=True)
    assert keys(relaxed, host) == []
    without, left_out = enforceable(relaxed, host)
    assert [refused.key for refused in left_out] == [key]
    assert keys(decode_again(without), host) == []


def decode_again(workload: WorkloadSpec) -> WorkloadSpec:
    """The same without its excuse."""
    return WorkloadSpec(name="web", rootfs="host", command=["true"], resources=workload.resources)


def test_what_can_be_enforced_stays() -> None:
    workload = spec(resources={"pids": 3, "memory_high": "1Mi"}, best_effort=True)
    kept, _ = enforceable(workload, OLD)
    assert (kept.resources.pids, kept.resources.memory_high) == (3, None)


def test_an_ordinary_user_cannot_add_groups_or_leave_the_user_namespace() -> None:
    assert keys(spec(groups=[1]), ORDINARY) == ["groups"]
    assert keys(spec(security={"userns": "host"}), ORDINARY) == ["security.userns"]


def test_a_capability_that_the_agent_lacks() -> None:
    assert keys(spec(security={"capabilities": {"add": ["NET_RAW"]}}), OLD) == ["security.capabilities.add"]
    assert keys(spec(security={"capabilities": {"add": ["CAP_NET_RAW"]}}), FULL) == []


def test_this_host_is_looked_at() -> None:
    host = Host.detect(hierarchies.detect(), rootless=False)
    assert host.nofile == resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert bool(host.capabilities) == (os.geteuid() == 0)
    assert Host.detect(hierarchies.detect(), rootless=True).controllers == {}
