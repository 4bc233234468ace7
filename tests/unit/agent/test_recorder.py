"""The recorder keeps an hour of every container and stays small."""

from __future__ import annotations

import time

from agent.recorder import Recorder
from collectors.metrics import catalogue
from collectors.metrics.rows import Reading, Row, Value

CPU = catalogue.CPU_USAGE.name
MEMORY = catalogue.MEMORY_WORKING_SET.name
THREADS = catalogue.THREADS.name
CACHE = catalogue.MEMORY_CACHE.name


def row(id: str, time: float, cpu: float, memory: int | None = 4096) -> Row:
    values: list[Value] = [None] * len(catalogue.ROW)
    values[catalogue.INDEX[catalogue.CPU_USAGE]] = ((',cpu="cpu00"', cpu), (',cpu="cpu01"', 1.0))
    values[catalogue.INDEX[catalogue.MEMORY_WORKING_SET]] = memory
    values[catalogue.INDEX[catalogue.THREADS]] = 3
    values[catalogue.INDEX[catalogue.MEMORY_CACHE]] = 77
    return Row(id=id, labels=f'id="{id}"', values=values, time=time)


def reading(time: float, *ids: str) -> Reading:
    return Reading(time, [row(id, time, time / 10) for id in ids])


def test_readings_come_back_with_the_last_one_whole() -> None:
    recorder = Recorder()
    for at in (1000.0, 1015.0, 1030.0):
        recorder.add(reading(at, "/a", "/b"))
    assert recorder.since("/a", 1000.0) == [
        {"time": 1015.0, CPU: 102.5, MEMORY: 4096, THREADS: 3},
        {"time": 1030.0, CPU: 104.0, MEMORY: 4096, THREADS: 3, CACHE: 77},
    ]
    assert recorder.since("/unknown", 0.0) == []


def test_what_the_kernel_had_not_is_left_out() -> None:
    recorder = Recorder()
    recorder.add(Reading(1.0, [row("/a", 1.0, 5.0, memory=None)]))
    recorder.add(Reading(20.0, [row("/a", 20.0, 5.0)]))
    first, last = recorder.since("/a", 0.0)
    assert MEMORY not in first and last[MEMORY] == 4096


def test_scrapes_close_together_are_recorded_once_and_shown_as_the_latest() -> None:
    recorder = Recorder(spacing=10)
    for at in (100.0, 101.0, 102.0, 110.0, 113.0):
        recorder.add(reading(at, "/a"))
    assert [point["time"] for point in recorder.since("/a", 0.0)] == [100.0, 110.0, 113.0]


def test_an_hour_is_kept_and_no_more() -> None:
    recorder = Recorder(keep=3600, spacing=15)
    for step in range(1000):
        recorder.add(reading(15.0 * step, "/a"))
    times = [point["time"] for point in recorder.since("/a", 0.0)]
    assert times[-1] == 999 * 15.0
    assert times[0] >= times[-1] - 3600
    assert 239 <= len(times) <= 241
    history = recorder._histories["/a"]
    assert history.times.buffer_info()[1] < 300


def test_containers_that_are_gone_are_forgotten_after_the_hour() -> None:
    recorder = Recorder(keep=3600)
    recorder.add(reading(0.0, "/gone", "/stays"))
    recorder.add(reading(3500.0, "/stays"))
    assert len(recorder.since("/gone", -1.0)) == 1
    recorder.add(reading(3700.0, "/stays"))
    assert recorder.since("/gone", -1.0) == []


def test_what_nobody_keeps_any_more_makes_room() -> None:
    recorder = Recorder(most=2)
    recorder.add(reading(0.0, "/a", "/b"))
    recorder.retain({"/b", "/other"})
    recorder.add(reading(15.0, "/b", "/c"))
    assert recorder.since("/a", -1.0) == []
    assert len(recorder.since("/b", -1.0)) == 2 and len(recorder.since("/c", -1.0)) == 1


def test_beyond_the_bound_newcomers_are_not_recorded() -> None:
    recorder = Recorder(most=2)
    recorder.add(reading(0.0, "/a", "/b", "/c"))
    assert len(recorder) == 2
    assert recorder.since("/c", -1.0) == []


def test_when_the_last_reading_came_is_told() -> None:
    recorder = Recorder()
    assert recorder.last == float("-inf")
    before = time.monotonic()
    recorder.add(reading(90.0, "/a"))
    recorder.add(reading(91.0, "/a"))
    assert before <= recorder.last <= time.monotonic()
