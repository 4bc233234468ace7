"""Machines are told by their cgroups' paths, and shown with their own first process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import subprocess
from collections.abc import AsyncIterator, Callable

import pytest

from collectors.inventory.machines import Machine, MachineSource, machine_of, unescaped
from collectors.inventory.merge import Inventory
from collectors.model import Container, Entry, Network
from runtime.linux.hierarchies import Hierarchies, Hierarchy
from runtime.linux.process import start_time

HEX = "0f" * 32


@pytest.mark.parametrize(
    ("path", "machine"),
    [
        ("/machine.slice/machine-web.scope", Machine("nspawn", "web")),
        (r"/machine.slice/machine-my\x2dweb.scope", Machine("nspawn", "my-web")),
        ("/machine.slice/systemd-nspawn@my-web.service", Machine("nspawn", "my-web")),
        ("/system.slice/systemd-nspawn@web.service", Machine("nspawn", "web")),
        (r"/machine.slice/machine-lxc\x2d4242\x2dold\x2dweb.scope", Machine("lxc", "old-web")),
        (r"/machine.slice/machine-qemu\x2d1\x2dvm.scope", None),
        ("/machine/web.libvirt-lxc", Machine("lxc", "web")),
        ("/lxc.payload.web", Machine("lxc", "web")),
        ("/lxc.payload/web", Machine("lxc", "web")),
        ("/lxc/web", Machine("lxc", "web")),
        ("/user.slice/user-1000.slice/session-2.scope/lxc.payload.web", Machine("lxc", "web")),
        ("/lxc.monitor.web", None),
        ("/lxc.monitor/web", None),
        ("/lxc", None),
        ("/lxc.payload.web/init.scope", None),
        ("/lxc.payload.web/lxc.payload.inner", None),
        ("/machine.slice/machine-web.scope/lxc.payload.inner", None),
        (f"/system.slice/docker-{HEX}.scope/lxc.payload.inner", None),
        (f"/docker/{HEX}/lxc/inner", None),
        ("/machine.slice/systemd-nspawn@web.service/payload", None),
        ("/machine.slice/machine-web.scope/payload/machine.slice/machine-inner.scope", None),
        ("/system.slice/ssh.service", None),
        ("/machine.slice", None),
        ("", None),
    ],
)
def test_the_path_names_engine_and_machine(path: str, machine: Machine | None) -> None:
    assert machine_of(path) == machine


def test_a_name_of_any_bytes_is_text() -> None:
    assert unescaped(r"a\x2db\xc3\xa9") == "a-bé"
    assert unescaped(r"\xff") == "�"


class Host:
    """A v2 tree and a procfs whose processes a test writes down."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.tree, self.proc = directory / "cgroup", directory / "proc"
        self.tree.mkdir()
        self.proc.mkdir()
        self.hierarchies = Hierarchies({}, Hierarchy(2, frozenset(), str(self.tree)), str(self.proc))

    def cgroup(self, path: str, *pids: int) -> None:
        (self.tree / path[1:]).mkdir(parents=True, exist_ok=True)
        (self.tree / path[1:] / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))

    def process(self, pid: int, name: str = "init", inside: str = "1", start: int = 500) -> None:
        (self.proc / str(pid)).mkdir(exist_ok=True)
        (self.proc / str(pid) / "status").write_text(f"Name:\t{name}\nNSpid:\t{pid}\t{inside}\n")
        fields = " ".join(["S", *["0"] * 18, str(start * os.sysconf("SC_CLK_TCK"))])
        (self.proc / str(pid) / "stat").write_text(f"{pid} ({name}) {fields} 0\n")


@contextlib.asynccontextmanager
async def shown(
    host: Host, *paths: str, boot: float = 1000.0
) -> AsyncIterator[tuple[MachineSource, Inventory]]:
    source = MachineSource(host.hierarchies, again=(0.02, 0.05, 0.1), boot=lambda: boot)
    source.reset(paths)
    board = Inventory([source], lambda old, new: None)
    running = asyncio.ensure_future(board.run())
    await until(lambda: board.complete)
    yield source, board
    running.cancel()
    await asyncio.wait([running])


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def test_the_leader_is_the_first_of_its_own_namespace(tmp_path: pathlib.Path) -> None:
    host, path = Host(tmp_path), "/machine.slice/machine-web.scope"
    host.process(10, "systemd-nspawn", inside="")
    host.process(11, "helper", inside="")
    host.process(30)
    host.process(31, "sh", inside="2")
    host.cgroup(path, 10, 11)
    host.cgroup(f"{path}/payload", 31, 30)
    async with shown(host, path, "/other") as (_, board):
        [entry] = board.entries().values()
        assert entry == Entry(
            container=Container(id=path, name="web", engine="nspawn", started_at=1500.0),
            pid=30,
            pid_start=500 * os.sysconf("SC_CLK_TCK"),
            network=Network.OWNER,
        )


async def test_a_machine_shows_when_its_first_process_comes(tmp_path: pathlib.Path) -> None:
    host, path = Host(tmp_path), "/lxc.payload.web"
    async with shown(host) as (source, board):
        host.cgroup(path)
        source.created(path)
        assert not board.entries()
        host.process(20)
        host.cgroup(path, 20)
        await until(board.entries)
        assert board.entries()[path].pid == 20


async def test_supervisors_are_not_taken_for_it(tmp_path: pathlib.Path) -> None:
    host, path = Host(tmp_path), "/machine.slice/systemd-nspawn@web.service"
    host.process(10, "systemd-nspawn", inside="")
    host.process(20)
    host.cgroup(path, 10)
    async with shown(host, path) as (source, board):
        assert not board.entries()
        host.cgroup(f"{path}/payload/init.scope", 20)
        source.created(f"{path}/payload")
        source.created(f"{path}/payload/init.scope")
        assert board.entries()[path].pid == 20


async def test_who_has_no_namespace_of_its_own_is_taken_when_nobody_else_comes(
    tmp_path: pathlib.Path,
) -> None:
    host, path = Host(tmp_path), "/lxc.payload.web"
    host.process(10, "lxc-start", inside="")
    host.process(20, "sleep", inside="")
    host.cgroup(path, 10, 20)
    async with shown(host, path) as (_, board):
        assert not board.entries()  # it may be on its way into one
        await until(board.entries)
        assert board.entries()[path].pid == 20


async def test_another_leader_is_another_run_and_the_end_of_the_cgroup_the_end(
    tmp_path: pathlib.Path,
) -> None:
    host, path = Host(tmp_path), "/lxc.payload.web"
    host.process(20)
    host.cgroup(path, 20)
    async with shown(host, path) as (source, board):
        first = board.entries()[path]
        source.created(f"{path}/init.scope")
        assert board.entries()[path] is first
        (host.proc / "20" / "stat").unlink()
        host.process(40, start=900)
        host.cgroup(f"{path}/init.scope", 40)
        source.created(f"{path}/init.scope")
        again = board.entries()[path]
        assert (again.pid, again.container.started_at) == (40, 1900.0)
        source.removed(path)
        assert not board.entries()


async def test_processes_of_a_real_namespace_of_their_own(tmp_path: pathlib.Path) -> None:
    """The kernel's own NSpid: `unshare` stays outside, its child is number 1."""
    if os.geteuid():
        pytest.skip("needs root to make a pid namespace")
    outer = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "sleep", "60"])
    try:
        children = pathlib.Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
        await until(lambda: children.read_text().split())
        inner = int(children.read_text())
        await until(lambda: pathlib.Path(f"/proc/{inner}/comm").read_text() == "sleep\n")
        host = Host(tmp_path)
        real = host.hierarchies._replace(proc="/proc")
        host.cgroup("/lxc.payload.web", outer.pid, inner)
        source = MachineSource(real)
        source.reset(["/lxc.payload.web"])
        board = Inventory([source], lambda old, new: None)
        running = asyncio.ensure_future(board.run())
        await until(lambda: board.complete)
        [entry] = board.entries().values()
        assert (entry.pid, entry.pid_start) == (inner, start_time(inner))
        running.cancel()
        await asyncio.wait([running])
    finally:
        outer.kill()
        outer.wait()


async def test_the_next_agent_tells_the_same_run_by_the_same_time(tmp_path: pathlib.Path) -> None:
    host, path = Host(tmp_path), "/lxc.payload.web"
    host.process(20)
    host.cgroup(path, 20)
    async with (
        shown(host, path, boot=1000.23) as (_, first),
        shown(host, path, boot=1000.23002) as (_, second),
    ):
        assert first.entries()[path] == second.entries()[path]
