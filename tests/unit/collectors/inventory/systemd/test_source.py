"""Units are told by cgroups, files and links alone; each activation of a service is a run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
from collections.abc import AsyncIterator, Callable

import pytest

from collectors.inventory.merge import Inventory
from collectors.inventory.systemd.source import SystemdSource, Unit, manages, unit_of
from collectors.model import Container, Entry, Network, Role, State
from runtime.linux.hierarchies import SYSTEMD, Hierarchies, Hierarchy

HEX = "0f" * 32
SSH = "/system.slice/ssh.service"


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        (SSH, Unit("ssh.service", Role.SERVICE)),
        ("/web.service", Unit("web.service", Role.SERVICE)),
        (
            r"/system.slice/system-getty.slice/getty@tty1.service",
            Unit("getty@tty1.service", Role.SERVICE),
        ),
        (r"/system.slice/a\x2db.service", Unit(r"a\x2db.service", Role.SERVICE)),
        ("/system.slice/_cpu.service", Unit("cpu.service", Role.SERVICE)),
        ("/user.slice/user-1000.slice/user@1000.service", Unit("user@1000.service", Role.SERVICE)),
        ("/user.slice/user-1000.slice", Unit("user-1000.slice", Role.SLICE)),
        ("/system.slice", Unit("system.slice", Role.SLICE)),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/mine.service", None),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice", None),
        ("/user.slice/user-1000.slice/session-1.scope", None),
        ("/system.slice/boot.mount", None),
        ("/system.slice/dev-sda2.swap", None),
        ("/system.slice/docker.socket", None),
        ("/init.scope", None),
        (f"/system.slice/docker-{HEX}.scope", None),
        (f"/system.slice/docker-{HEX}.scope/system.slice/ssh.service", None),
        (f"/docker/{HEX}/system.slice/ssh.service", None),
        ("/kubepods.slice", None),
        ("/kubepods.slice/kubepods-besteffort.slice", None),
        ("/kubepods.slice/kubepods-pod" + HEX[:32] + ".slice", None),
        ("/machine.slice/systemd-nspawn@web.service", None),
        ("/machine.slice", Unit("machine.slice", Role.SLICE)),
        ("", None),
    ],
)
def test_services_and_slices_of_the_host_and_nothing_else(path: str, unit: Unit | None) -> None:
    assert unit_of(path) == unit


def test_systemd_manages_where_it_says_so(tmp_path: pathlib.Path) -> None:
    assert not manages(str(tmp_path))
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert manages(str(tmp_path)) and manages(f"{tmp_path}/")


class Host:
    """A host's root and its cgroups, as systemd leaves them."""

    def __init__(self, directory: pathlib.Path, *, v2: bool = True) -> None:
        self.root, self.tree, self.v2 = directory / "root", directory / "cgroup", v2
        self.units = self.root / "run/systemd/units"
        self.units.mkdir(parents=True)
        self.tree.mkdir()
        whole = Hierarchy(2 if v2 else 1, frozenset(), str(self.tree))
        self.hierarchies = Hierarchies({}, whole) if v2 else Hierarchies({SYSTEMD: whole}, None)
        self.now = 5000.0
        self.heard: list[tuple[Entry | None, Entry | None]] = []

    def cgroup(self, path: str, *, populated: bool) -> None:
        directory = self.tree / path[1:]
        directory.mkdir(parents=True, exist_ok=True)
        if self.v2:
            (directory / "cgroup.events").write_text(f"populated {int(populated)}\nfrozen 0\n")
        else:
            (directory / "cgroup.procs").write_text("1\n" if populated else "")

    def invoked(self, unit: str, id: str, at: float) -> None:
        new = self.units / f".#{unit}"
        new.symlink_to(id)
        os.utime(new, (at, at), follow_symlinks=False)
        new.rename(self.units / f"invocation:{unit}")

    def describe(self, unit: str, text: str) -> None:
        path = self.root / "etc/systemd/system" / unit
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[Unit]\nDescription={text}\n")

    def states(self, id: str = SSH) -> list[tuple[State, float | None]]:
        """What was told of a unit, its description apart."""
        told = [new.container for _, new in self.heard if new and new.container.id == id]
        found = [(one.state, one.started_at) for one in told]
        return [one for index, one in enumerate(found) if index == 0 or found[index - 1] != one]

    @contextlib.asynccontextmanager
    async def shown(self, *paths: str, look_every: float = 60) -> AsyncIterator[SystemdSource]:
        source = SystemdSource(
            self.hierarchies, str(self.root), look_every=look_every, clock=lambda: self.now
        )
        source.reset(paths)
        self.board = Inventory([source], lambda old, new: self.heard.append((old, new)))
        running = asyncio.ensure_future(self.board.run())
        await until(lambda: self.board.complete)
        yield source
        running.cancel()
        await asyncio.wait([running])

    @property
    def container(self) -> Container:
        return self.board.entries()[SSH].container


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("v2", [True, False])
async def test_a_service_is_shown_with_its_description_and_when_it_was_started(
    tmp_path: pathlib.Path, v2: bool
) -> None:
    host = Host(tmp_path, v2=v2)
    host.cgroup(SSH, populated=True)
    host.invoked("ssh.service", "1a", 4000.0)
    host.describe("ssh.service", "OpenBSD server")
    host.describe("system.slice", "Slice of %p")
    async with host.shown("/system.slice", SSH, "/system.slice/boot.mount"):
        await until(lambda: all(one.container.labels for one in host.board.entries().values()))
        assert host.board.entries()[SSH] == Entry(
            container=Container(
                id=SSH, name="ssh.service", engine="systemd", role=Role.SERVICE, created_at=4000.0,
                started_at=4000.0, labels={"description": "OpenBSD server"},
            ),
            network=Network.NONE,
        )  # fmt: skip
        above = host.board.entries()["/system.slice"].container
        assert (above.name, above.role) == ("system.slice", Role.SLICE)
        assert above.labels == {"description": "Slice of system"}
        assert len(host.board.entries()) == 2
        assert above.created_at == (host.tree / "system.slice").stat().st_ctime


async def test_a_service_is_created_when_its_cgroup_is_made(tmp_path: pathlib.Path) -> None:
    host = Host(tmp_path)
    host.cgroup(SSH, populated=True)
    made = (host.tree / SSH[1:]).stat().st_ctime
    host.invoked("ssh.service", "1a", made + 5)
    async with host.shown(SSH):
        ssh = host.board.entries()[SSH].container
        assert (ssh.created_at, ssh.started_at) == (made, made + 5)


async def test_a_service_starts_when_it_has_processes(tmp_path: pathlib.Path) -> None:
    host = Host(tmp_path)
    async with host.shown() as source:
        host.cgroup(SSH, populated=False)
        source.created(SSH)
        assert host.heard == []
        host.invoked("ssh.service", "1a", 4000.0)
        host.cgroup(SSH, populated=True)
        await until(lambda: host.states() == [(State.RUNNING, 4000.0)])
        source.removed(SSH)
        assert not host.board.entries()


async def test_another_activation_in_the_same_cgroup_is_another_run(tmp_path: pathlib.Path) -> None:
    host = Host(tmp_path)
    host.cgroup(SSH, populated=True)
    host.invoked("ssh.service", "1a", 4000.0)
    async with host.shown(SSH):
        host.cgroup(SSH, populated=False)
        host.invoked("ssh.service", "2b", 4100.0)
        await until(lambda: host.container.state is State.EXITED)
        host.cgroup(SSH, populated=True)
        await until(lambda: host.container.state is State.RUNNING)
        host.invoked("ssh.service", "3c", 4200.0)  # so fast that nobody saw it empty
        await until(lambda: host.container.started_at == 4200.0)
        assert host.states() == [
            (State.RUNNING, 4000.0), (State.EXITED, 4000.0),
            (State.RUNNING, 4100.0), (State.RUNNING, 4200.0),
        ]  # fmt: skip


async def test_an_end_that_nothing_tells_of_is_seen_in_time(tmp_path: pathlib.Path) -> None:
    host = Host(tmp_path)
    host.cgroup(SSH, populated=True)
    async with host.shown(SSH, look_every=0.02):
        host.cgroup(SSH, populated=False)
        await until(lambda: host.container.state is State.EXITED)
        host.cgroup(SSH, populated=True)
        await until(lambda: host.container.state is State.RUNNING)
        assert host.container.started_at == host.now  # nobody says when


async def test_what_outlives_a_service_is_no_run_of_it(tmp_path: pathlib.Path) -> None:
    host = Host(tmp_path)
    host.cgroup(SSH, populated=True)
    host.invoked("ssh.service", "1a", 4000.0)
    async with host.shown(SSH, look_every=0.02):
        (host.units / "invocation:ssh.service").unlink()
        host.cgroup(SSH, populated=False)
        await until(lambda: host.container.state is State.EXITED)
        host.cgroup(SSH, populated=True)
        await until(lambda: host.container.state is State.RUNNING)
        assert host.container.started_at == 4000.0


async def test_an_empty_unit_may_have_its_processes_further_below(tmp_path: pathlib.Path) -> None:
    host = Host(tmp_path, v2=False)
    host.cgroup("/user@1.service", populated=False)
    host.cgroup("/user@1.service/app.slice/x.service", populated=True)
    host.cgroup("/empty.service/a/b", populated=False)
    async with host.shown("/user@1.service", "/empty.service"):
        assert list(host.board.entries()) == ["/user@1.service"]
