"""A monitor by itself, forked as the zygote does it, here for a user without cgroups as well as for root."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from runtime.container import monitor
from runtime.container.protocol import decode, encode, write_file
from runtime.linux.process import ended
from runtime.supervision.refusals import Host
from runtime.supervision.request import Place, write_request
from tests.unit.runtime.supervision.beds import spec

NOBODY = 65534


class Bed:
    """The directories of a replica whose command is a shell script on the host's root, in a user namespace."""

    def __init__(self, root: pathlib.Path, script: str, uid: int) -> None:
        self.root, self.uid = root, uid
        host = Host(controllers={}, swap_is_limited=False, nofile=-1, nproc=-1, rootless=True)
        place = Place(
            run_dir=str(root / "run"),
            state_dir=str(root / "state"),
            cgroup_parent="",
            hidden=(),
            host=host,
            boot_id="",
            version="1",
        )
        write_request(spec("web", script, stop={"timeout": "300ms"}), "web-1", 1, place)
        self.directory = root / "run/replicas/web-1"
        config = json.loads((self.directory / "config.json").read_text())
        for kind in ("uidMappings", "gidMappings"):
            config["linux"][kind][0]["hostID"] = uid
        write_file(f"{self.directory}/config.json", config)
        for path in (root, *root.rglob("*")):
            os.chown(path, uid, uid)

    def fork(self, how: str = "start") -> tuple[int, socket.socket]:
        """A monitor in a child: its pid and the channel of its events."""
        ours, theirs = socket.socketpair()
        ours.settimeout(20)
        pid = os.fork()
        if pid:
            theirs.close()
            return pid, ours
        try:
            ours.close()
            if self.uid != os.geteuid():
                os.setgroups([])
                os.setresgid(self.uid, self.uid, self.uid)
                os.setresuid(self.uid, self.uid, self.uid)
            channel = theirs.dup()
            try:
                os._exit(monitor.main(str(self.directory), how, None, channel))
            except monitor.Taken as error:
                theirs.send(encode({"event": "failed", "message": str(error)}))
        finally:
            os._exit(1)

    def record(self) -> dict[str, Any]:
        return dict(json.loads((self.root / "state/workloads/web-1/exits/1.json").read_text()))

    def log(self) -> list[str]:
        content = (self.root / "state/workloads/web-1/log/current.log").read_text()
        return [line.split(" ", 1)[1] for line in content.splitlines()]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(params=[pytest.param(NOBODY, id="ordinary user")])
def uid(request: pytest.FixtureRequest) -> int:
    return int(request.param) if os.geteuid() == 0 else os.geteuid()


@pytest.fixture
def root() -> Iterator[pathlib.Path]:
    # Not tmp_path: an ordinary user must be able to walk there, and another pytest closes its parents again.
    with tempfile.TemporaryDirectory(prefix="deckwatch-monitor-") as directory:
        os.chmod(directory, 0o755)
        yield pathlib.Path(directory) / "bed"


def events(channel: socket.socket) -> list[dict[str, Any]]:
    received = b""
    while more := channel.recv(65536):
        received += more
    return [decode(line) for line in received.splitlines()]


def test_from_start_to_record_without_privileges(root: pathlib.Path, uid: int) -> None:
    bed = Bed(root, "echo out; echo err >&2; printf rest; exit 3", uid)
    pid, channel = bed.fork()
    assert [event["event"] for event in events(channel)] == ["started", "exited"]
    assert os.waitpid(pid, 0)[1] == 0
    record = bed.record()
    assert (record["exit_code"], record["signal"], record["reason"]) == (3, None, "error")
    assert sorted(bed.log()) == ["stderr F err", "stdout F out", "stdout F rest"]
    assert not (bed.directory / "monitor.sock").exists()


class Endless:
    """Output that never ends: a descriptor of the container's was handed to somebody who goes on writing."""

    blocked_until = 0.0

    def __init__(self, fifo: int) -> None:
        self.streams = [types.SimpleNamespace(fifo=fifo)]
        self.moved = 0

    def pump(self, stream: object) -> int:
        assert self.moved < 1 << 30, "the end of the run is never recorded"
        self.moved += 65536
        return 65536


def test_a_descriptor_handed_out_of_the_container_does_not_hold_its_end_up() -> None:
    read, write = os.pipe()
    endless = Endless(read)
    monitor.Monitor._drain(object.__new__(monitor.Monitor), endless)  # type: ignore[arg-type]
    os.close(read)
    os.close(write)
    assert endless.moved >= 65536


def test_a_second_monitor_of_the_same_replica_is_turned_away(root: pathlib.Path, uid: int) -> None:
    bed = Bed(root, "echo up; exec sleep 1000", uid)
    pid, channel = bed.fork()
    assert decode(channel.recv(4096))["event"] == "started"
    other, other_channel = bed.fork("adopt")
    assert "another monitor holds" in events(other_channel)[0]["message"]
    os.waitpid(other, 0)
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    assert (bed.record()["reason"], bed.record()["signal"]) == ("stopped", 15)


def test_an_adopted_stop_keeps_its_deadline_and_the_workload_ends(root: pathlib.Path, uid: int) -> None:
    bed = Bed(root, "trap '' TERM; echo up; while :; do sleep 1; done", uid)
    pid, channel = bed.fork()
    assert decode(channel.recv(4096))["event"] == "started"
    until(lambda: bed.log() == ["stdout F up"])
    os.kill(pid, signal.SIGTERM)
    until(lambda: (bed.directory / "stopping").exists())
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    adopter, channel = bed.fork("adopt")
    assert [event["event"] for event in events(channel)] == ["started", "exited"]
    os.waitpid(adopter, 0)
    assert bed.record()["reason"] == "stopped"


def test_a_start_that_was_cut_short_leaves_nothing_running(root: pathlib.Path, uid: int) -> None:
    bed = Bed(root, "echo up; exec sleep 1000", uid)
    pid, channel = bed.fork()
    container = decode(channel.recv(4096))["pid"]
    pidfd = os.pidfd_open(container)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    (bed.directory / "container.json").unlink()
    adopter, channel = bed.fork("adopt")
    assert [event["event"] for event in events(channel)] == ["exited"]
    os.waitpid(adopter, 0)
    assert bed.record()["reason"] == "lost"
    until(lambda: ended(pidfd))
    os.close(pidfd)
