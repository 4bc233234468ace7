"""Reading small kernel files, with and without the interpreter lock."""

from __future__ import annotations

import os
import pathlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from collectors.cgroups import reader as module
from collectors.cgroups.reader import ABSENT, GONE, STALLED, Descriptors, Reader, Source, contents

Read = Callable[[Sequence[Source]], list[bytes]]


@pytest.fixture(params=["releasing", "keeping"])
def read(request: pytest.FixtureRequest) -> Read:
    return contents if request.param == "releasing" else Reader().contents_keeping_lock


@pytest.fixture
def directory(tmp_path: pathlib.Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_kept_opened_and_absent_files(read: Read, tmp_path: pathlib.Path, directory: int) -> None:
    (tmp_path / "kept").write_bytes(b"one\n")
    (tmp_path / "opened").write_bytes(b"two\n")
    kept = os.open(tmp_path / "kept", os.O_RDONLY)
    try:
        sources = ((kept, -1, b"kept"), ABSENT, (-1, directory, b"opened"))
        assert read(sources) == read(sources) == [b"one\n", b"", b"two\n"]
        (tmp_path / "kept").write_bytes(b"new\n")
        assert read(sources)[0] == b"new\n"
    finally:
        os.close(kept)


@pytest.mark.parametrize("size", [4095, 4096, 70000, 200001])
def test_long_files_are_read_whole(read: Read, tmp_path: pathlib.Path, directory: int, size: int) -> None:
    (tmp_path / "long").write_bytes(b"x" * (size - 1) + b"\n")
    kept = os.open(tmp_path / "long", os.O_RDONLY)
    try:
        found = read(((-1, directory, b"long"), (kept, -1, b"long")))
        assert [len(content) for content in found] == [size, size]
    finally:
        os.close(kept)


def test_files_of_many_records_come_whole_from_the_kernel(read: Read) -> None:
    proc = os.open("/proc/self", os.O_PATH | os.O_DIRECTORY)
    try:
        with open("/proc/self/smaps_rollup") as file:
            assert file.read()
        (maps,) = read(((-1, proc, b"smaps"),))
        assert len(maps) > 4096 and maps.count(b"VmFlags") == maps.count(b"\nRss:")
    finally:
        os.close(proc)


def test_what_is_gone_says_so_and_leaks_nothing(read: Read, directory: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(OSError) as caught:
            read(((-1, directory, b"missing"),))
        assert caught.value.errno in GONE
    with pytest.raises(IsADirectoryError):
        read(((-1, directory, b"."),))
    assert len(os.listdir("/proc/self/fd")) == before


def test_present_takes_a_missing_file_for_empty(tmp_path: pathlib.Path, directory: int) -> None:
    (tmp_path / "there").write_bytes(b"1\n")
    assert Reader().present(((-1, directory, b"there"), (-1, directory, b"not"), ABSENT)) == [
        b"1\n",
        b"",
        b"",
    ]


def test_beside_a_busy_thread_the_lock_is_kept_and_reading_stays_fast(
    tmp_path: pathlib.Path, directory: int
) -> None:
    (tmp_path / "file").write_bytes(b"1\n")
    sources = ((-1, directory, b"file"),) * 10
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            sum(range(1000))

    reader = Reader()
    thread = threading.Thread(target=spin)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not reader.stalls and time.monotonic() < deadline:
            reader.begin()
            started = time.perf_counter()
            reader.contents(sources)
            ended = time.perf_counter()
            if ended - started > STALLED:
                reader.stalled(ended)
        assert reader.stalls == 1
        assert reader.contents == reader.contents_keeping_lock
        switches = _voluntary_switches()
        for _ in range(20):
            reader.contents(sources)
        assert _voluntary_switches() - switches < 20
    finally:
        stop.set()
        thread.join()


def _voluntary_switches() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def test_waiting_for_the_cpu_is_no_stall_and_a_stall_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader()
    reader.begin()
    reader.stalled(1.0)
    assert reader.stalls == 0 and reader.contents is contents
    monkeypatch.setattr(reader, "_switches", -100)
    reader.stalled(2.0)
    assert reader.contents == reader.contents_keeping_lock
    reader.settle(3.0)
    assert reader.contents == reader.contents_keeping_lock
    reader.settle(3.0 + module._KEEP_LOCK)
    assert reader.contents is contents


def test_the_descriptor_budget_is_never_overdrawn() -> None:
    descriptors = Descriptors(10)
    assert descriptors.take(7)
    assert not descriptors.take(4)
    assert descriptors.kept == 7
    descriptors.give_back(5)
    assert descriptors.take(4) and descriptors.kept == 6


def test_the_default_budget_leaves_room_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, budget in ((256, 0), (1024, 512), (20000, 15000)):
        monkeypatch.setattr(module.resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert Descriptors().budget == budget
