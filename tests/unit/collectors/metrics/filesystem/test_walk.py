"""Walks of writable layers whose use nobody counts."""

from __future__ import annotations

import os
import pathlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from collectors.metrics import catalogue
from collectors.metrics.filesystem import walk
from collectors.metrics.filesystem.options import DiskOptions
from collectors.metrics.plan import Host
from collectors.metrics.rows import Value
from collectors.metrics.survey import Subject, Survey
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies
from tests.eventually import eventually
from tests.filesystems import Mute, image
from tests.unit.collectors.metrics.filesystem.conftest import Settle, leave

USAGE, WALKED = catalogue.INDEX[catalogue.FS_USAGE], catalogue.INDEX[catalogue.FS_WALKED]
FAST = {"walk_rate": 1_000_000, "walk_share": 1.0}


def values(survey: Survey, id: str) -> list[Value]:
    row: list[Value] = [None] * len(catalogue.ROW)
    survey.fill(id, row)
    return row


def used(survey: Survey, id: str) -> float | None:
    value = values(survey, id)[USAGE]
    return value[0][1] if isinstance(value, tuple) else None


def du(path: pathlib.Path) -> int:
    done = subprocess.run(
        ["du", "-xs", "--block-size=1", str(path)], capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[0])


@pytest.fixture
def start() -> Iterator[Callable[..., Survey]]:
    surveys: list[Survey] = []

    def make(subjects: Sequence[Subject], **options: Any) -> Survey:
        surveys.append(walk.survey(Host(Hierarchies({}, None), disk=DiskOptions(**(FAST | options)))))
        surveys[-1].start(lambda: subjects)
        return surveys[-1]

    yield make
    for one in surveys:
        one.close()
    eventually(
        lambda: all(thread.name != "survey-disk_walk" for thread in threading.enumerate()),
        "the end of the walks",
    )


def fill(directory: pathlib.Path, files: int, size: int = 5000) -> None:
    for at in range(files):
        (directory / f"{at % 10}").mkdir(exist_ok=True)
        (directory / f"{at % 10}/{at}").write_bytes(bytes(size))
    os.sync()


def test_the_use_is_that_of_du_and_its_time_is_told(
    start: Callable[..., Survey], settle: Settle, tmp_path: pathlib.Path
) -> None:
    subject = settle("a")
    fill(tmp_path / "a/upper", 300)
    before = time.time()
    survey = start([Subject("/", 0, 0), subject])
    eventually(lambda: used(survey, "/a"), "a walk")
    assert used(survey, "/a") == du(tmp_path / "a/upper")
    walked = values(survey, "/a")[WALKED]
    assert isinstance(walked, float) and before <= walked <= time.time()
    assert used(survey, "/") is None and survey.errors() == 0


def test_it_walks_again_when_it_is_due(
    start: Callable[..., Survey], settle: Settle, tmp_path: pathlib.Path
) -> None:
    survey = start([settle("a")], walk_period=1.0)
    eventually(lambda: used(survey, "/a"), "a walk")
    (tmp_path / "a/upper/more").write_bytes(bytes(1 << 20))
    os.sync()
    eventually(lambda: (used(survey, "/a") or 0) >= 1 << 20, "another walk")


def test_what_takes_too_long_is_absent_and_told(
    start: Callable[..., Survey], settle: Settle, tmp_path: pathlib.Path
) -> None:
    subjects = [settle("large"), settle("small")]
    fill(tmp_path / "large/upper", 2000)
    survey = start(subjects, walk_rate=2000, walk_limit=0.3)
    eventually(lambda: used(survey, "/small"), "the walk of the small one")
    assert used(survey, "/large") is None
    assert survey.trouble() == "a walk takes more than 0.3 s: the layer of /large"


def test_it_keeps_to_its_rate(start: Callable[..., Survey], settle: Settle, tmp_path: pathlib.Path) -> None:
    subject = settle("a")
    fill(tmp_path / "a/upper", 400)
    began = time.monotonic()
    survey = start([subject], walk_rate=500)
    eventually(lambda: used(survey, "/a"), "a walk")
    assert time.monotonic() - began > 400 / 500
    assert survey.seconds() < 0.5


def test_what_cannot_be_walked_is_told_once_and_left_in_peace(
    start: Callable[..., Survey], settle: Settle, tmp_path: pathlib.Path
) -> None:
    subjects = [settle("a"), settle("b")]
    deep = tmp_path / "a/upper" / "/".join("d" * 150)
    deep.mkdir(parents=True)
    survey = start(subjects)
    eventually(lambda: used(survey, "/b"), "the other walk")
    assert "deep: the layer of /a" in survey.trouble() and used(survey, "/a") is None


def test_closing_ends_a_walk_and_leaves_nothing_open(
    start: Callable[..., Survey], settle: Settle, tmp_path: pathlib.Path
) -> None:
    subject = settle("a")
    fill(tmp_path / "a/upper", 500)
    layer = str(tmp_path / "a/upper")

    def open_below() -> list[str]:
        links = []
        for name in os.listdir("/proc/self/fd"):
            try:
                links.append(os.readlink(f"/proc/self/fd/{name}"))
            except FileNotFoundError:
                continue
        return [link for link in links if link.startswith(layer)]

    survey = start([subject], walk_rate=50)
    eventually(open_below, "the beginning of the walk")
    survey.close()
    eventually(lambda: not open_below(), "the end of the walk")


def test_what_a_quota_counts_is_not_walked(
    start: Callable[..., Survey], settle: Settle, tmp_path: pathlib.Path
) -> None:
    with image(tmp_path, "btrfs", size=128 << 20) as top:
        subprocess.run(["btrfs", "subvolume", "create", str(top / "layer")], check=True, capture_output=True)
        subprocess.run(["btrfs", "quota", "enable", str(top)], check=True, capture_output=True)
        counted, walked = settle("counted", lower=top / "layer"), settle("walked")
        survey = start([counted, walked])
        eventually(lambda: used(survey, "/walked"), "the walk of the other")
        assert used(survey, "/counted") is None and survey.trouble() == ""
        survey.close()
        leave(counted)


def test_no_walk_comes_upon_fuse(
    start: Callable[..., Survey], settle: Settle, tmp_path: pathlib.Path
) -> None:
    """An overlay's layer is walked on the host, where nothing is mounted in it; a plain root from within."""
    (tmp_path / "mute").mkdir()
    mute = Mute(tmp_path / "mute")
    try:
        binds = [(str(mute.target), "/data")]
        plain = settle("plain", lower=tmp_path / "root", binds=binds)
        survey = start([plain, settle("overlay", binds=binds)])
        eventually(lambda: used(survey, "/overlay"), "the walk of the overlay")
        assert used(survey, "/plain") is None and survey.trouble() == ""
    finally:
        mute.close()


def test_without_the_collector_disk_there_is_nothing_to_complete() -> None:
    with pytest.raises(NotSupported, match="the collector disk is off"):
        walk.survey(Host(Hierarchies({}, None), switches={"disk": False}))
