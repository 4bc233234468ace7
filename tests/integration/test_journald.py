"""A real journald and a real Docker that logs to it: what is read is what `docker logs` prints."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.logs.entry import Entry
from collectors.logs.journal.log import JournalLog
from collectors.logs.journal.match import CONTAINER, Match
from collectors.logs.journal.stream import Streams
from collectors.logs.journal.tail import JournalTail
from collectors.logs.judge import Judge
from collectors.logs.positions import Progress
from collectors.logs.record import LogTarget
from collectors.logs.segment import Budget
from collectors.logs.start import Start
from tests.integration.agents import Agent
from tests.integration.engines import Dockerd, Missing, end, or_skip, require, wait_until

pytestmark = pytest.mark.root

JOURNALD = "/lib/systemd/systemd-journald"
SCRIPT = r"""
seq 1 3000
seq 1 20 >&2
printf 'gr\303\274n "quoted" \001 \n\n'
head -c 40000 /dev/zero | tr '\0' x; echo " long"
printf 'without an end'
"""
# Nothing of the machine's own is read or switched: no kernel messages, no auditing.
SETTINGS = "[Journal]\nStorage=volatile\nAudit=\nReadKMsg=no\nForwardToSyslog=no\nRateLimitIntervalSec=0\n"
SETUP = """
set -e
mount --bind "$0/systemd" /run/systemd
mount --bind "$0/log" /run/log
mount --bind "$0/journald.conf" /etc/systemd/journald.conf
exec "$1"
"""


COUNTS = {"stdout": 3004, "stderr": 20}


class Journald:
    """A journald in a mount namespace of its own, in which other programs find it where they expect it."""

    def __init__(self) -> None:
        require("journalctl", "unshare", "nsenter")
        if not os.path.exists(JOURNALD):
            raise Missing(f"{JOURNALD} is not installed; tests/install-engines installs it")
        self.directory = tempfile.mkdtemp(prefix=f"dwj-{os.getpid()}-", dir="/tmp")
        for name in ("systemd/journal", "log/journal"):
            os.makedirs(f"{self.directory}/{name}")
        Path(self.directory, "journald.conf").write_text(SETTINGS, encoding="utf-8")
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "slave", "sh", "-c", SETUP, self.directory, JOURNALD],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        wait_until(lambda: os.path.exists(f"{self.directory}/systemd/journal/socket"), "journald's socket")

    @property
    def journal(self) -> str:
        """Where its files lie."""
        return f"{self.directory}/log/journal"

    @property
    def inside(self) -> list[str]:
        """What runs a command where this journald is the machine's."""
        return ["nsenter", f"--mount=/proc/{self._process.pid}/ns/mnt", "--"]

    def stop(self) -> None:
        """End it, and remove what it wrote."""
        end(self._process)
        shutil.rmtree(self.directory, ignore_errors=True)


def journald() -> Iterator[Journald]:
    """One for the length of a module."""
    server = Journald()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[Journald]:
    yield from or_skip(journald())


def engine(server: Journald, programs: Path) -> Iterator[Dockerd]:
    """A Docker that is started where the journald is."""
    require("dockerd", "docker", "containerd", "runc")
    wrapper = programs / "dockerd"
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join(server.inside)} {shutil.which("dockerd")} "$@"\n')
    wrapper.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        docker = Dockerd()
        try:
            docker.start()
            yield docker
        finally:
            docker.stop()


@pytest.fixture(scope="module")
def docker(server: Journald, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    yield from or_skip(engine(server, tmp_path_factory.mktemp("programs")))


def target(server: Journald, id: str) -> LogTarget:
    return LogTarget(id="/a", source=Match(server.journal, CONTAINER, id).source, container={})


@contextlib.contextmanager
def tail(target: LogTarget, progress: Progress | None = None) -> Iterator[tuple[JournalTail, list[Entry]]]:
    """A tail of all that a container printed, and what it gives."""
    entries: list[Entry] = []
    made = JournalTail(target, progress or Progress(), Start.of("beginning", 0), Streams())
    made.listener = entries.extend
    try:
        yield made, entries
    finally:
        made.close()


def read(tail: JournalTail, entries: list[Entry], count: int) -> None:
    """Step until it gave so many entries and has no more at once."""
    wait_until(lambda: not tail.step() and len(entries) >= count, f"{count} entries")


def printed(entries: list[Entry], stream: str) -> bytes:
    return b"\n".join(one.message for one in entries if one.stream == stream)


def test_what_is_read_is_what_docker_prints(server: Journald, docker: Dockerd) -> None:
    id = docker.run("--log-driver", "journald", "--", "sh", "-c", SCRIPT)
    docker.docker("wait", id)
    whose = target(server, id)
    with tail(whose) as (following, followed):
        read(following, followed, sum(COUNTS.values()) - 1)
        following.end()
        assert not following.counters.dropped
        counted = following.counters.lines
    query = JournalLog(whose, Judge(), None, since=0, until=1 << 63, scratch="", budget=Budget(1 << 30))
    found = list(query.forward())
    assert found == sorted(followed, key=lambda entry: entry.time)
    assert sorted(query.backward()) == sorted(found)
    query.close()
    expected = (
        "\n".join(map(str, range(1, 3001)))
        + '\ngr\u00fcn "quoted" \1 \n\n'
        + "x" * 40000
        + " long\nwithout an end"
    )
    assert printed(followed, "stdout").decode() == expected
    assert printed(followed, "stderr").decode() == "\n".join(map(str, range(1, 21)))
    assert counted == COUNTS


def test_a_follower_goes_on_through_rotations_and_stops_without_loss(
    server: Journald, docker: Dockerd
) -> None:
    loop = "n=0; while [ $n -lt 4000 ]; do n=$((n+1)); echo $n; [ $((n % 100)) = 0 ] && sleep 0.05; done"
    id = docker.run("--log-driver", "journald", "--", "sh", "-c", loop)
    whose, progress = target(server, id), Progress()
    found: list[Entry] = []
    while len(found) < 4000:
        with tail(whose, progress) as (following, entries):
            read(following, entries, 1)
            progress = following.saved()
        assert not progress.counters.dropped
        found += entries
        subprocess.run([*server.inside, "journalctl", "--rotate"], check=True, capture_output=True)
    assert [int(one.message) for one in found] == list(range(1, 4001))


def test_the_whole_agent_reads_containers_and_ships_them(server: Journald, docker: Dockerd) -> None:
    directory = tempfile.mkdtemp(prefix="dwt-", dir="/tmp")
    agent = Agent(
        {
            "inventory": {"docker": {"enabled": True, "socket": docker.socket}},
            "logs": {
                "start_at": "beginning",
                "journald": {"enabled": True},
                "sinks": [{"type": "file", "path": f"{directory}/out.jsonl"}],
            },
            "runtime": {"enabled": False},
        },
        before=server.inside,
    )
    try:
        agent.start()
        docker.run("--name", "web", "--log-driver", "journald", "--", "sh", "-c", SCRIPT)
        docker.docker("wait", "web")

        def counted(stream: str) -> float | None:
            return agent.scrape().one("container_log_lines_total", name="web", stream=stream)

        wait_until(
            lambda: all(counted(stream) == count for stream, count in COUNTS.items()), "each line's count"
        )
        assert [one["message"] for one in agent.logs("web", stream="stdout", grep="^(7|2999|.*end)$")] == [
            "7",
            "2999",
            "without an end",
        ]
        shipped = Path(directory, "out.jsonl")
        wait_until(
            lambda: shipped.exists() and shipped.read_bytes().count(b"\n") >= sum(COUNTS.values()) - 1,
            "all in the file",
        )
    finally:
        agent.close()
        shutil.rmtree(directory, ignore_errors=True)
