"""Figures of the host and of containers, through the survey."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from collectors.metrics import catalogue
from collectors.metrics.crew import Crew
from collectors.metrics.filesystem import disk
from collectors.metrics.filesystem.options import DiskOptions
from collectors.metrics.plan import Host
from collectors.metrics.rows import Value
from collectors.metrics.survey import Subject, Survey
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies
from tests.eventually import eventually
from tests.filesystems import Mute
from tests.unit.collectors.metrics.filesystem.conftest import Settle

HOST = Subject("/", 0, 0)
Start = Callable[[Sequence[Subject]], Survey]


def figures(survey: Survey, id: str) -> dict[str, dict[str, float]]:
    """What is known of a container, by the end of the family's name and the label text."""
    values: list[Value] = [None] * len(catalogue.ROW)
    survey.fill(id, values)
    return {
        family.name.removeprefix("container_"): dict(value)
        for family, value in zip(catalogue.ROW, values, strict=True)
        if isinstance(value, tuple)
    }


@pytest.fixture
def start() -> Iterator[Callable[..., Survey]]:
    surveys: list[Survey] = []

    def make(subjects: Sequence[Subject], **options: Any) -> Survey:
        host = Host(Hierarchies({}, None), disk=DiskOptions(period=1.0, **options))
        surveys.append(disk.survey(host))
        surveys[-1].start(lambda: subjects)
        return surveys[-1]

    yield make
    for one in surveys:
        one.close()
    eventually(
        lambda: all(thread.name != "survey-disk" for thread in threading.enumerate()), "the end of the rounds"
    )


def test_the_host_has_its_own_file_systems_as_df_tells_them(start: Start) -> None:
    survey = start([HOST])
    eventually(lambda: figures(survey, "/"), "figures of the host")
    told = figures(survey, "/")
    device = next(name for name in told["fs_limit_bytes"] if "/dev/" in name)
    total, used, _ = shutil.disk_usage("/")
    assert told["fs_limit_bytes"][device] == total
    assert abs(told["fs_usage_bytes"][device] - used) < 1 << 30
    found = os.statvfs("/")
    assert told["fs_inodes_total"][device] == found.f_files
    assert abs(told["fs_inodes_free"][device] - found.f_ffree) < 10_000


def test_a_container_has_limits_without_a_use_that_nobody_counts(
    start: Start, settle: Settle, tmp_path: pathlib.Path
) -> None:
    subject = settle("a", binds=[("tmpfs size=1m", "/data")])
    pod = Subject("/pod", 0, 0)
    survey = start([HOST, subject, pod])
    eventually(lambda: figures(survey, "/a"), "figures of the container")
    told = figures(survey, "/a")
    assert list(told["fs_limit_bytes"].values()) == [shutil.disk_usage(tmp_path).total]
    assert "fs_usage_bytes" not in told and "fs_inodes_total" in told
    assert told["volume_limit_bytes"] == {',device="/data",mountpoint="/data"': 1 << 20}
    assert told["volume_usage_bytes"] == {',device="/data",mountpoint="/data"': 0}
    assert figures(survey, "/pod") == {}
    assert survey.errors() == 0 and survey.trouble() == ""


def test_what_an_engine_tells_is_the_use(start: Callable[..., Survey], settle: Settle) -> None:
    survey = start([settle("a"), settle("b")], usage_told={"/a": 4711}.get)
    eventually(lambda: figures(survey, "/b"), "figures of the containers")
    assert list(figures(survey, "/a")["fs_usage_bytes"].values()) == [4711]
    assert "fs_usage_bytes" not in figures(survey, "/b")


def test_one_file_system_that_hangs_costs_its_own_figures_alone(
    start: Start, settle: Settle, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "mute").mkdir()
    mute = Mute(tmp_path / "mute")
    try:
        subjects = [HOST, settle("a", binds=[(str(mute.target), "/data")]), settle("b")]
        survey = start(subjects)
        eventually(lambda: figures(survey, "/b"), "figures of what does not hang")
        eventually(lambda: survey.trouble(), "a word about what hangs")
        assert "mute" in survey.trouble() and "has not answered for" in survey.trouble()
        told = figures(survey, "/a")
        assert "fs_limit_bytes" in told and "volume_limit_bytes" not in told
        assert any("/dev/" in name for name in figures(survey, "/")["fs_limit_bytes"])
        began = time.perf_counter()
        for _ in range(100):
            figures(survey, "/a")
        assert time.perf_counter() - began < 1
        mute.speak()
        mount = ',device="mute",mountpoint="/data"'
        eventually(
            lambda: figures(survey, "/a").get("volume_usage_bytes", {}).get(mount), "what answers again"
        )
        assert survey.trouble() == ""
    finally:
        mute.close()


def test_an_agent_that_waits_for_a_file_system_can_be_ended(settle: Settle, tmp_path: pathlib.Path) -> None:
    """A thread that waits for FUSE would keep its process, and its locks, as long as the server likes."""
    (tmp_path / "mute").mkdir()
    mute = Mute(tmp_path / "mute")
    program = (
        "import sys, time\n"
        "from collectors.metrics.filesystem import disk; from collectors.metrics.plan import Host\n"
        "from collectors.metrics.survey import Subject; from runtime.linux.hierarchies import Hierarchies\n"
        "survey = disk.survey(Host(Hierarchies({}, None)))\n"
        "survey.start(lambda: [Subject('/', 0, 0), Subject('/a', int(sys.argv[1]), 0)])\n"
        "time.sleep(600)\n"
    )
    agent = None
    try:
        subject = settle("a", binds=[(str(mute.target), "/data")])
        agent = subprocess.Popen([sys.executable, "-c", program, str(subject.pid)])
        assert mute.asked.wait(20)
        agent.kill()
        agent.wait(10)
    finally:
        mute.close()
        if agent is not None:
            agent.kill()
            agent.wait(10)


def test_a_volume_that_is_dead_is_absent_and_no_trouble(
    start: Start, settle: Settle, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "mute").mkdir()
    mute = Mute(tmp_path / "mute")
    try:
        survey = start([settle("a", binds=[(str(mute.target), "/data")]), settle("b")])
        eventually(lambda: survey.trouble(), "a word about what hangs")
    finally:
        mute.close()
    eventually(lambda: not survey.trouble(), "the end of the call under way")
    eventually(lambda: figures(survey, "/a"), "figures of the container")
    assert "volume_limit_bytes" not in figures(survey, "/a")


def test_nothing_stays_open_after_its_end(start: Start) -> None:
    def lists() -> int:
        names = []
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(FileNotFoundError):
                names.append(os.readlink(f"/proc/self/fd/{name}"))
        return sum(name.endswith("/mountinfo") for name in names)

    before = lists()
    survey = start([HOST])
    assert lists() == before + 1
    survey.close()
    eventually(lambda: lists() == before, "the end of the survey")


def test_an_ordinary_user_has_the_limits_of_layers_that_are_closed_to_others(
    settle: Settle, tmp_path: pathlib.Path
) -> None:
    subject = settle("a")
    (tmp_path / "a").chmod(0o700)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        look = disk.look(Host(Hierarchies({}, None)), Crew("test"))
        look.begin([subject])
        os.write(write, json.dumps(look.look(subject)).encode())
        os._exit(0)
    os.close(write)
    with open(read, "rb") as answer:
        limit, used, *_ = json.loads(answer.read())
    os.waitpid(child, 0)
    assert limit[0][1] == shutil.disk_usage(tmp_path).total and used is None


def test_a_host_that_lists_no_mounts_is_not_supported(tmp_path: pathlib.Path) -> None:
    with pytest.raises(NotSupported, match="mountinfo is missing"):
        disk.survey(Host(Hierarchies({}, None), proc=str(tmp_path)))
