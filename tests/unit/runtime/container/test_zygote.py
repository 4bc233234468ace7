"""The zygote: what it is made of, what it refuses, and when it leaves."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from runtime.container import sealed
from runtime.container.protocol import PROTOCOL, decode, encode
from runtime.linux.process import ended, open_pidfd

ROOT = str(pathlib.Path(sealed.__file__).parents[2])


class Bed:
    def __init__(self, run: pathlib.Path) -> None:
        self.run = run
        sealed.launch(os.path.realpath(sys.executable), [ROOT, str(run), "", "1"])
        self.known = json.loads((run / "zygote/zygote.json").read_text())
        self.pid: int = self.known["pid"]
        pidfd = open_pidfd(self.pid, self.known["start"])
        assert pidfd is not None
        self.pidfd = pidfd
        self.client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.client.settimeout(10)
        self.client.connect(str(run / "zygote/zygote.sock"))

    def ask(self, message: dict[str, object], *descriptors: int) -> dict[str, object]:
        socket.send_fds(self.client, [encode(message)], list(descriptors))
        return decode(self.client.recv(65536))

    def has_ended(self, limit: float = 10.0) -> bool:
        deadline = time.monotonic() + limit
        while not ended(self.pidfd) and time.monotonic() < deadline:
            time.sleep(0.01)
        return ended(self.pidfd)


@pytest.fixture
def bed(tmp_path: pathlib.Path) -> Iterator[Bed]:
    bed = Bed(tmp_path)
    yield bed
    bed.client.close()
    if not ended(bed.pidfd):
        signal.pidfd_send_signal(bed.pidfd, signal.SIGKILL)
    os.close(bed.pidfd)


def test_it_answers_and_is_alone(bed: Bed) -> None:
    assert bed.ask({"op": "ping"}) == {"version": "1", "protocol": PROTOCOL, "pid": bed.pid}
    assert len(os.listdir(f"/proc/{bed.pid}/task")) == 1
    assert os.getsid(bed.pid) != os.getsid(0)
    assert os.readlink(f"/proc/{bed.pid}/cwd") == "/"
    assert {os.readlink(f"/proc/{bed.pid}/fd/{number}") for number in range(3)} == {"/dev/null"}
    assert not os.readlink(f"/proc/{bed.pid}/exe").startswith(sys.base_prefix)
    assert (bed.run / "zygote/zygote.sock").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "message",
    [
        {"op": "start", "replica": "../../etc"},
        {"op": "start"},
        {"op": "start", "replica": "web-1"},
        {"op": "dance"},
    ],
)
def test_a_bad_request_is_refused_and_the_zygote_goes_on(bed: Bed, message: dict[str, object]) -> None:
    assert "error" in bed.ask(message)
    assert bed.ask({"op": "ping"})["pid"] == bed.pid


def test_what_is_not_json_is_refused(bed: Bed) -> None:
    bed.client.send(b"\xff\x00")
    assert "error" in decode(bed.client.recv(65536))


def test_a_replica_that_was_never_prepared_fails_on_its_own_channel(bed: Bed) -> None:
    (bed.run / "replicas/web-1").mkdir(parents=True)
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    assert "pid" in bed.ask({"op": "start", "replica": "web-1"}, theirs.fileno())
    theirs.close()
    event = decode(ours.recv(65536))
    assert event["event"] == "failed"
    assert "start.json" in str(event["message"])
    assert ours.recv(1) == b""


def test_it_leaves_when_asked_and_when_nobody_needs_it(bed: Bed, tmp_path: pathlib.Path) -> None:
    assert bed.ask({"op": "exit"}) == {"leaving": True}
    assert bed.has_ended()
    other = Bed(tmp_path / "other")
    other.client.close()
    assert other.has_ended()
    os.close(other.pidfd)


def test_a_monitor_and_what_it_starts_get_the_customary_limit_on_open_files() -> None:
    script = (
        "import resource; from runtime.container import zygote; zygote._limit_open_files();"
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(min(1024, hard)), str(hard)]
