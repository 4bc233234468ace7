"""Space of a file system that may never answer."""

from __future__ import annotations

import os
import pathlib
import signal
import threading

import pytest

from runtime.linux import beneath, faraway, statfs
from runtime.linux.statfs import Space
from tests.eventually import eventually
from tests.filesystems import Mute


def mount_of(path: pathlib.Path) -> int:
    descriptor = os.open(path, os.O_PATH)
    try:
        return beneath.mount_of(descriptor)
    finally:
        os.close(descriptor)


def test_the_figures_are_those_of_statfs(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a").mkdir()
    told = faraway.space(str(tmp_path), "/a", mount_of(tmp_path))
    assert told[::2] == statfs.space(str(tmp_path))[::2]


def test_what_is_not_there_or_not_mounted_is_an_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError):
        faraway.space(str(tmp_path), "/none", 1)
    with pytest.raises(FileNotFoundError, match="no longer mounted"):
        faraway.space(str(tmp_path), "/", mount_of(tmp_path) + 1_000_000)
    (tmp_path / "link").symlink_to("/")
    with pytest.raises(OSError):
        faraway.space(str(tmp_path), "/link", 1)


def test_it_is_another_process_that_waits(tmp_path: pathlib.Path) -> None:
    mute = Mute(tmp_path)
    found: list[Space] = []
    waiting = threading.Thread(
        target=lambda: found.append(faraway.space("/", str(tmp_path), mount_of(tmp_path))), daemon=True
    )
    try:
        waiting.start()
        assert mute.asked.wait(20) and not found
        states = [
            pathlib.Path(f"/proc/self/task/{task}/stat").read_text().rpartition(")")[2].split()[0]
            for task in os.listdir("/proc/self/task")
        ]
        assert "D" not in states
        mute.speak()
        eventually(lambda: found, "the answer")
        assert found == [Space(4_096_000, 400 * 4096, 50, 20)]
    finally:
        mute.close()


def test_one_that_was_killed_is_an_error(tmp_path: pathlib.Path) -> None:
    mute = Mute(tmp_path)
    errors: list[OSError] = []

    def ask() -> None:
        try:
            faraway.space("/", str(tmp_path), mount_of(tmp_path))
        except OSError as error:
            errors.append(error)

    waiting = threading.Thread(target=ask, daemon=True)
    try:
        waiting.start()
        assert mute.asked.wait(20)
        for task in os.listdir("/proc/self/task"):
            for child in pathlib.Path(f"/proc/self/task/{task}/children").read_text().split():
                if str(tmp_path) in pathlib.Path(f"/proc/{child}/cmdline").read_text():
                    os.kill(int(child), signal.SIGKILL)
    finally:
        mute.close()
    waiting.join(20)
    assert len(errors) == 1
