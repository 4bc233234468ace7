"""Records stand in the file when they count as delivered, and a disk that fails is a reason to try again."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.shipping.file import FileSettings, opened
from agent.shipping.sink import Again, Delivered
from collectors.logs.jsonline import JsonLines
from tests.unit.agent.shipping.sinks import CONTEXT, batch, delivery, pod_target, record


async def test_each_record_is_a_line_of_json(tmp_path: Path) -> None:
    path = tmp_path / "log"
    sink = await opened(FileSettings(path=str(path)), CONTEXT)
    assert await sink.send([batch(["a\nb"]), batch(["c"], container="other")]) == Delivered()
    lines = path.read_bytes().splitlines()
    assert lines[0] == JsonLines(pod_target()).line(record("a\nb"))
    assert json.loads(lines[1])["container"]["container"] == "other"
    await sink.close()


async def test_a_missing_directory_is_told(tmp_path: Path) -> None:
    sink = await opened(FileSettings(path=f"{tmp_path}/none/log"), CONTEXT)
    verdict = await sink.send([batch(["a"])])
    assert verdict == Again(f"cannot write {tmp_path}/none/log: No such file or directory")
    (tmp_path / "none").mkdir()
    assert await sink.send([batch(["a"])]) == Delivered()
    other = await opened(FileSettings(path=f"{tmp_path}/none/log"), CONTEXT)
    assert await other.send([batch(["b"])]) == Again(
        f"cannot write {tmp_path}/none/log: another process writes it"
    )
    await sink.close()
    await other.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 256 KiB."""
    if os.geteuid():
        pytest.skip("needs root to mount a small file system")
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(tmp_path)], check=False)
    if mount.returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


async def test_a_full_disk_delays_and_neither_loses_nor_doubles(small_disk: Path) -> None:
    path, ballast = small_disk / "log", small_disk / "ballast"
    ballast.write_bytes(b"x" * 180 * 1024)
    sink = await opened(FileSettings(path=str(path)), CONTEXT)
    texts = [f"{number} {'x' * 100}" for number in range(250)]
    assert await sink.send([batch(["before"])]) == Delivered()
    for _ in range(2):
        assert await sink.send([batch(texts)]) == Again(f"cannot write {path}: No space left on device")
    ballast.unlink()
    deliver, aside = delivery(sink)
    assert not await deliver.deliver([batch(texts)])
    await sink.close()
    assert [json.loads(line)["message"] for line in path.read_bytes().splitlines()] == ["before", *texts]
    assert not aside


@pytest.mark.parametrize("keys", [{"path": ""}, {"path": "x", "max_size": 0}])
def test_settings_say_what_is_wrong(keys: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"path|max_size"):
        FileSettings(**keys)  # type: ignore[arg-type]
