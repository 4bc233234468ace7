"""Probes of the host."""

from __future__ import annotations

import os
import pathlib
import socket

import pytest

from agent import hostcheck
from agent.config.load import defaults, load
from runtime.linux.hierarchies import Hierarchies, Hierarchy
from tests.kubeapi import Background, Cluster


def test_the_whole_matrix_of_this_host() -> None:
    found = list(hostcheck.findings(defaults()))
    assert len({one.subject for one in found}) == len(found)
    for one in found:
        assert one.status in ("ok", "degraded", "missing")
        assert (one.status == "ok") == (not one.wrong)


def v2(directory: pathlib.Path, *controllers: str) -> Hierarchies:
    return Hierarchies({}, Hierarchy(2, frozenset(controllers), str(directory)))


def test_missing_controllers_are_named_with_what_is_lost(tmp_path: pathlib.Path) -> None:
    finding = hostcheck.cgroups(v2(tmp_path, "cpu", "memory", "io", "cpuset"))
    assert finding.text == "v2, with cpu, memory, io, cpuset"
    assert [one.text for one in finding.wrong] == [
        "the cgroup controller pids is not available, so threads and their limit cannot be read"
    ]
    assert hostcheck.cgroups(Hierarchies({}, None)).status == "missing"


def test_cgroup_rights(tmp_path: pathlib.Path) -> None:
    assert hostcheck.cgroup_rights(v2(tmp_path, "cpu"), "/deckwatch").status == "ok"
    read_only = hostcheck.cgroup_rights(v2(pathlib.Path("/proc/sys/kernel"), "cpu"), "/deckwatch")
    if os.geteuid() != 0:
        assert read_only.wrong[0].code == "cgroup_readonly"


def test_swap_accounting(tmp_path: pathlib.Path) -> None:
    found = v2(tmp_path, "memory")
    (tmp_path / "system.slice").mkdir()
    assert hostcheck.swap(found).text.startswith("not offered")
    (tmp_path / "system.slice" / "memory.swap.max").touch()
    assert hostcheck.swap(found).text == "offered"


def test_pressure(tmp_path: pathlib.Path) -> None:
    assert hostcheck.pressure(str(tmp_path)).wrong[0].code == "psi_missing"


def test_the_kernels_log(tmp_path: pathlib.Path) -> None:
    assert hostcheck.kernel_log(str(tmp_path / "kmsg")).wrong[0].code == "kernel_log_unreadable"
    (tmp_path / "kmsg").touch()
    assert hostcheck.kernel_log(str(tmp_path / "kmsg")).status == "ok"


def test_capabilities_are_read_from_the_kernel(tmp_path: pathlib.Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text("Name:\tx\nCapEff:\t0000000000000004\n")
    finding = hostcheck.rights(str(tmp_path))
    missing = [one.text.partition(" ")[0] for one in finding.wrong if one.code == "capability_missing"]
    assert missing == ["CAP_KILL", "CAP_NET_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_ADMIN"]


def test_engine_sockets(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "docker.sock")
    assert hostcheck.engine("docker", path).status == "ok"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path)
        assert hostcheck.engine("docker", path).wrong[0].code == "socket_unreachable"
        one.listen()
        assert hostcheck.engine("docker", path).text == f"answers at {path}"


def test_inotify_limits(tmp_path: pathlib.Path) -> None:
    directory = tmp_path / "sys/fs/inotify"
    directory.mkdir(parents=True)
    (directory / "max_user_watches").write_text("8192\n")
    (directory / "max_user_instances").write_text("128\n")
    finding = hostcheck.inotify(str(tmp_path))
    assert [one.remedy for one in finding.wrong] == ["raise it: sysctl fs.inotify.max_user_watches=65536"]


def test_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda which: (1024, 4096))
    finding = hostcheck.open_files()
    assert "suits 512 containers" in finding.wrong[0].text


def test_directories(tmp_path: pathlib.Path) -> None:
    assert hostcheck.directory("paths.state", str(tmp_path / "a/b")).text.endswith("will be created")
    shared = tmp_path / "shared"
    shared.mkdir()
    assert hostcheck.directory("paths.run", str(shared)).status == "ok"
    shared.chmod(0o777)
    assert hostcheck.directory("paths.run", str(shared)).wrong[0].code == "directory_shared"


def test_a_call_that_no_kernel_has_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hostcheck, "MOUNT_CALLS", {"no_such_call": 9999})
    assert hostcheck.mount_calls().wrong[0].code == "mount_api_missing"


def test_user_namespaces_are_tried_in_a_child() -> None:
    before = os.readlink("/proc/self/ns/user")
    finding = hostcheck.user_namespaces("/proc")
    assert finding.status in ("ok", "degraded")
    assert os.readlink("/proc/self/ns/user") == before


def test_who_is_asked_for_pods_and_says_no(tmp_path: pathlib.Path) -> None:
    def asked(**settings: str) -> list[hostcheck.Finding]:
        keys = ", ".join(f"{key}: {value}" for key, value in settings.items())
        return list(hostcheck.pods(load(None, [f"inventory.kubernetes={{token_file: /none, {keys}}}"])))

    assert asked() == []
    with Background(Cluster()) as node:
        url = node.cluster.url
        answers = asked(kubelet=url, api_server=url)
        assert [(one.subject, one.status) for one in answers] == [
            ("pods by kubelet", "ok" ), ("pods by api_server", "degraded"),
        ]  # fmt: skip
        assert "answers 400" in answers[1].wrong[0].text  # it has no node of this name
        node.cluster.refuse = 403
        [refused] = asked(kubelet=url)
        assert "nodes/proxy" in refused.wrong[0].text
        assert asked(kubelet=url, enabled="false") == []
