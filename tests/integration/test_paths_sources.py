"""Units and machines on this host's own kernel, told by cgroups that are laid out as their managers do."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from runtime.linux import hierarchies
from tests.integration.agents import Agent
from tests.integration.engines import cgroup_directories, remove_cgroups, wait_until

pytestmark = [
    pytest.mark.root,
    pytest.mark.inside_cgroup2,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups"),
    pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare of util-linux"),
]

PARENT = f"/deckwatch-test-{os.getpid()}.slice"
# In its own mount namespace, so that the host's /run stays as it is.
INIT = "ip link add dw0 type veth peer name dw1 && exec sleep 1000"
WITH_RUN_SYSTEMD = 'mount --bind "$0" /run/systemd && exec "$@"'


@contextlib.contextmanager
def agent(settings: dict[str, Any], **more: Any) -> Iterator[Agent]:
    quiet = {name: {"enabled": False} for name in ("docker", "containerd", "podman", "crio", "kubernetes")}
    made = Agent({"inventory": quiet | settings, "runtime": {"enabled": False}}, **more)
    try:
        made.start()
        yield made
    finally:
        made.close()


class Cgroup:
    """One cgroup of a test, in every hierarchy of the host, and the processes that it put there."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.processes: list[subprocess.Popen[bytes]] = []
        for tree in hierarchies.detect().all():
            os.makedirs(tree.directory(path), exist_ok=True)

    def run(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program in it."""
        files = [f"{one}/cgroup.procs" for one in cgroup_directories(self.path) if "/cpuset" not in one]
        enter = "".join(f"echo $$ >{shlex.quote(file)}; " for file in files)
        self.processes.append(subprocess.Popen(["sh", "-c", f'{enter}exec "$@"', "sh", *command]))
        return self.processes[-1]

    def end(self) -> None:
        """End its processes and remove it."""
        for process in self.processes:
            process.kill()
            process.wait()
        wait_until(lambda: remove_cgroups(self.path) is None and not cgroup_directories(self.path), "its end")


@contextlib.contextmanager
def cgroup(path: str) -> Iterator[Cgroup]:
    made = Cgroup(path)
    try:
        yield made
    finally:
        made.end()
        remove_cgroups(PARENT)


@pytest.mark.parametrize(
    ("path", "below", "engine", "name"),
    [
        (rf"{PARENT}/machine-my\x2dbox.scope", "/payload", "nspawn", "my-box"),
        (f"{PARENT}/lxc.payload.box", "", "lxc", "box"),
    ],
)
def test_a_machine_comes_runs_and_goes(path: str, below: str, engine: str, name: str) -> None:
    with agent({}) as watching, cgroup(path) as machine, cgroup(path + below) as inner:
        outer = inner.run("unshare", "--pid", "--net", "--fork", "--kill-child", "sh", "-c", INIT)
        wait_until(lambda: name in watching.names(), f"a machine of {engine}")
        found = watching.container(name)
        assert (found["id"], found["engine"], found["state"]) == (path, engine, "running")
        network = "container_network_receive_bytes_total"
        wait_until(lambda: ids(watching, network) - {"/"} == {path}, "its network, and no other")
        scrape = watching.scrape()
        assert scrape.one("container_cpu_usage_seconds_total", id=path, cpu="total") is not None
        assert scrape.one("container_state", name=name, state="running") == 1

        watching.stop()
        watching.start()
        wait_until(lambda: name in watching.names(), "the next agent's word of it")
        assert events(watching, name) == ["start"]

        outer.kill()
        wait_until(lambda: watching.container(name)["state"] == "exited", "its end")
        inner.end()
        machine.end()
        wait_until(lambda: events(watching, name) == ["start", "exit"], "events of a whole life")
        [end] = [one for one in watching.json("/api/v1/events") if one["type"] == "exit"]
        assert end["container"]["name"] == name and end.get("exit_code") in (137, None)


def ids(watching: Agent, family: str) -> set[str]:
    """Whose series of a family there are."""
    return {dict(one)["id"] for one in watching.scrape().of(family)}


def events(watching: Agent, name: str) -> list[str]:
    return [one["type"] for one in watching.json("/api/v1/events") if one["container"].get("name") == name]


@contextlib.contextmanager
def stamped_after_now(directory: pathlib.Path) -> Iterator[None]:
    """Begin when what is made is stamped later than now: that clock moves with the kernel's ticks alone."""
    now = time.time()

    def passed() -> bool:
        (directory / "stamp").write_text("")
        return (directory / "stamp").stat().st_ctime > now

    wait_until(passed, "the next tick")
    yield


def invoked(run: pathlib.Path, unit: str, id: str) -> None:
    """What systemd notes of an activation."""
    (run / "units" / f".#{unit}").symlink_to(id)
    (run / "units" / f".#{unit}").rename(run / "units" / f"invocation:{unit}")


@pytest.fixture
def run_systemd() -> Iterator[None]:
    """A directory to mount over."""
    missing = not os.path.isdir("/run/systemd")
    if missing:
        os.mkdir("/run/systemd")
    yield
    if missing:
        os.rmdir("/run/systemd")


@pytest.mark.usefixtures("run_systemd")
def test_units_are_told_by_cgroups_links_and_files(tmp_path: pathlib.Path) -> None:
    run = tmp_path / "systemd"
    for directory in ("system", "transient", "units"):
        (run / directory).mkdir(parents=True)
    (run / "transient/web.service").write_text("[Unit]\nDescription=The shop\n[Service]\n")
    before = ["unshare", "--mount", "--propagation", "private", "sh", "-c", WITH_RUN_SYSTEMD, str(run)]
    path = f"{PARENT}/web.service"
    with (
        agent({}, before=before) as watching,
        stamped_after_now(tmp_path),
        cgroup(f"{PARENT}/boot.mount") as mount,
        cgroup(path) as unit,
    ):
        mount.run("sleep", "1000")
        invoked(run, "web.service", "1a")
        first = unit.run("sleep", "1000")
        by_role = '{role="service",engine="systemd"}'
        wait_until(lambda: watching.json("/api/v1/containers", selector=by_role), "a service")
        wait_until(lambda: watching.container("web.service")["labels"], "its description")
        found = watching.container("web.service")
        assert (found["id"], found["state"]) == (path, "running")
        assert found["labels"] == {"description": "The shop"}
        assert watching.json("/api/v1/containers") == []

        cpu = "container_cpu_usage_seconds_total"
        wait_until(lambda: ids(watching, cpu) == {"/", PARENT, path}, "their series, and no others")
        scrape = watching.scrape()
        [info] = [dict(one) for one in scrape.of("container_info", name="web.service")]
        assert (info["role"], info["description"]) == ("service", "The shop")
        assert scrape.one("container_restarts_total", name="web.service") == 0
        assert not scrape.of("container_state", name=PARENT[1:])

        watching.stop()
        watching.start()
        wait_until(
            lambda: watching.json("/api/v1/containers", selector=by_role), "the next agent's word of it"
        )
        assert events(watching, "web.service") == ["start"]

        invoked(run, "web.service", "2b")
        unit.run("sleep", "1000")
        wait_until(lambda: watching.container("web.service")["restarts"] == 1, "another run")
        first.kill()
        first.wait()
        assert events(watching, "web.service") == ["start", "exit", "start", "restart"]
        unit.end()
        wait_until(lambda: events(watching, "web.service")[-1] == "exit", "its end")
        assert watching.scrape().one("container_exits_total", name="web.service", reason="unknown") == 2
