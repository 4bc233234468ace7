"""What `make run` starts: both example workloads are there to be seen, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.agents import DECKWATCH, Scrape, free_port, parsed
from tests.integration.engines import cgroup_directories, wait_until

DEMO = pathlib.Path(__file__).parents[2] / "examples/demo.yaml"
NAMES = {"clock-1", "worker-1"}

pytestmark = pytest.mark.timeout(180)


class Demo:
    """The example as one user runs it, with another port and other directories."""

    def __init__(self, uid: int) -> None:
        self.directory = tempfile.mkdtemp(prefix=f"dwe-{os.getpid()}-", dir="/tmp")
        os.chown(self.directory, uid, uid)
        self.url = f"http://127.0.0.1:{free_port()}"
        self.parent = f"/deckwatch-test-demo-{os.getpid()}"
        self.socket = f"{self.directory}/run/deckwatch.sock"
        self._as = [] if uid == os.geteuid() else _as_user(uid)
        settings = {
            "paths.state": f"{self.directory}/state",
            "paths.run": f"{self.directory}/run",
            "server.socket": self.socket,
            "server.listen": f"[{self.url.removeprefix('http://')!r}]",
            "runtime.cgroup_parent": self.parent,
        }
        overrides = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        with open(f"{self.directory}.log", "wb") as log:
            self.process = subprocess.Popen(
                [*self._as, DECKWATCH, "run", "-c", str(DEMO), *overrides],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
            )  # fmt: skip

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            content: bytes = answer.read()
            return content

    def ready(self) -> dict[str, Any]:
        """What `/-/ready` says, empty while nobody answers or it is not."""
        assert self.process.poll() is None, pathlib.Path(f"{self.directory}.log").read_text()[-2000:]
        try:
            return dict(json.loads(self.get("/-/ready")))
        except OSError:
            return {}

    def scrape(self) -> Scrape:
        return parsed(self.get("/metrics").decode())

    def deckwatch(self, *arguments: str) -> str:
        """What a command of the same user prints."""
        done = subprocess.run(
            [*self._as, DECKWATCH, arguments[0], "--socket", self.socket, *arguments[1:]],
            capture_output=True, text=True, timeout=60, check=False, cwd="/",
        )  # fmt: skip
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    def processes(self) -> list[int]:
        """Processes whose command line names its directory."""
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    command = pathlib.Path(f"/proc/{name}/cmdline").read_bytes()
                except OSError:
                    continue
                if self.directory.encode() in command:
                    found.append(int(name))
        return found

    def interrupt(self) -> int:
        """Ctrl-C; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        shutil.rmtree(self.directory, ignore_errors=True)
        os.unlink(f"{self.directory}.log")


# Puts an empty directory over one that others may not enter, and the interpreter back into its place.
OPEN = """
keep=$(mktemp -d) && mount --bind "$1" "$keep" && mount -t tmpfs -o mode=755 tmpfs "$2" && mkdir -p "$1" &&
mount --bind "$keep" "$1" && umount --lazy "$keep" && rmdir "$keep" || exit 1
shift 2; exec "$@"
"""


def _as_user(uid: int) -> list[str]:
    """A command that runs another one as this user; the interpreter is in his reach wherever it lies."""
    closed = [
        str(directory)
        for directory in reversed(pathlib.Path(sys.base_prefix).parents)
        if not directory.stat().st_mode & 0o001
    ]
    opened = ["unshare", "--mount", "sh", "-c", OPEN, "sh", sys.base_prefix, closed[0]] if closed else []
    return [
        *opened, "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all",
        "env", "-u", "XDG_RUNTIME_DIR", "-u", "XDG_STATE_HOME", "HOME=/nonexistent",
    ]  # fmt: skip


def _cannot_run_as(uid: int) -> str:
    """Why this interpreter cannot be run by another user; empty when it can."""
    if shutil.which("setpriv") is None:
        return "needs setpriv of util-linux"
    done = subprocess.run(
        [*_as_user(uid), DECKWATCH, "version"], capture_output=True, text=True, check=False, cwd="/"
    )
    return (
        ""
        if done.returncode == 0
        else f"{DECKWATCH} cannot be run by uid {uid}: {done.stderr.strip()[-200:]}"
    )


@pytest.fixture(params=["root", "an ordinary user"])
def demo(request: pytest.FixtureRequest) -> Iterator[Demo]:
    uid = os.geteuid()
    if request.param == "root" and uid != 0:
        pytest.skip("needs root: limits of the workloads")
    if request.param != "root" and uid == 0:
        uid = pwd.getpwnam("nobody").pw_uid
        if reason := _cannot_run_as(uid):
            pytest.skip(reason)
    one = Demo(uid)
    try:
        wait_until(one.ready, "readiness")
        yield one
    finally:
        one.close()


def test_what_a_newcomer_sees(demo: Demo, request: pytest.FixtureRequest) -> None:
    root = "root" in request.node.name
    wait_until(lambda: all(name in demo.deckwatch("ps") for name in NAMES), "both workloads")
    wait_until(lambda: "tick" in demo.deckwatch("logs", "-n", "5", "clock-1"), "lines of the clock")
    assert 0 < demo.deckwatch("logs", "-n", "5", "clock-1").count("\n") <= 5
    events = demo.deckwatch("events")
    assert all(any("start" in line and name in line for line in events.splitlines()) for name in NAMES)
    scrape = demo.scrape()
    for name in NAMES:
        assert scrape.one("container_state", name=name, state="running") == 1
        for family in ("container_cpu_usage_seconds_total", "container_memory_working_set_bytes"):
            value = scrape.sum(family, name=name)
            assert value > 0 if root else not scrape.of(family, name=name)
    conditions = {one["code"]: one for one in demo.ready()["conditions"]}
    assert ("cgroup_readonly" in conditions) != root
    if not root:
        assert "not writable by this user" in conditions["cgroup_readonly"]["text"]
        assert "Delegate=yes" in demo.deckwatch("doctor")


def test_ctrl_c_leaves_nothing_behind(demo: Demo) -> None:
    wait_until(lambda: all(name in demo.deckwatch("ps") for name in NAMES), "both workloads")
    mounts = pathlib.Path("/proc/self/mounts")
    assert demo.interrupt() == 0
    assert demo.processes() == []
    assert cgroup_directories(demo.parent) == []
    assert demo.directory not in mounts.read_text()
    assert set(os.listdir(f"{demo.directory}/run")) <= {"lock", "format.json"}
