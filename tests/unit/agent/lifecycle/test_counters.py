"""Lifecycle counters survive restarts and kills."""

from __future__ import annotations

import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import time

from agent.exposition.render import render
from agent.lifecycle.counters import Key, LifecycleCounters, Seen, key_of
from collectors.metrics import catalogue
from collectors.model import Container, Health, Reason, State

WEB = Key("", "", "", "web")


def samples(counters: LifecycleCounters) -> dict[str, float]:
    """Values by series, as they are exposed."""
    text = b"".join(render([], counters.sections(), openmetrics=False)).decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines)}


def test_each_counter_is_zero_from_first_sight(tmp_path: pathlib.Path) -> None:
    counters = LifecycleCounters(str(tmp_path / "db"))
    counters.touch(WEB)
    found = samples(counters)
    assert found['container_oom_kills_total{name="web"}'] == 0
    assert found['container_restarts_total{name="web"}'] == 0
    assert {found[f'container_exits_total{{name="web",reason="{reason}"}}'] for reason in Reason} == {0}
    assert found['container_state{name="web",state="running"}'] == 1
    assert sum(value for name, value in found.items() if name.startswith("container_state{")) == 1
    assert 'container_last_exit_code{name="web"}' not in found  # unknown is absent, never 0
    assert found['container_health_state{name="web"}'] == -1


def test_counts_survive_a_restart_and_show_when_seen_again(tmp_path: pathlib.Path) -> None:
    counters = LifecycleCounters(str(tmp_path / "db"))
    counters.touch(WEB)
    counters.exited(WEB, Reason.OOM, 137)
    counters.oom_killed(WEB, 2)
    counters.restarted(WEB)
    counters.set_state(WEB, State.EXITED)
    counters.set_health(WEB, Health.UNHEALTHY)
    counters.remember(WEB, Seen(3, "abc", 12.5, False, 2))
    counters.set_last_alive(99.0)
    counters.close()
    again = LifecycleCounters(str(tmp_path / "db"))
    assert samples(again) == {}  # not seen yet: no series of what may be long gone
    again.touch(WEB)
    found = samples(again)
    assert found['container_oom_kills_total{name="web"}'] == 2
    assert found['container_exits_total{name="web",reason="oom"}'] == 1
    assert found['container_last_exit_code{name="web"}'] == 137
    assert found['container_state{name="web",state="exited"}'] == 1
    assert found['container_health_state{name="web"}'] == 0
    assert again.seen(WEB) == Seen(3, "abc", 12.5, False, 2)
    assert again.counts(WEB).runs == [(3, 12.5)]
    assert again.last_alive() == 99.0


def test_a_count_is_on_disk_a_moment_later_whatever_happens_then(tmp_path: pathlib.Path) -> None:
    script = (
        "import sys, time; from agent.lifecycle.counters import *; from agent.lifecycle.counters import Key\n"
        "counters = LifecycleCounters(sys.argv[1]); key = Key('', '', '', 'web'); counters.touch(key)\n"
        "counters.oom_killed(key, 5); print('counted', flush=True); time.sleep(60)"
    )
    path = tmp_path / "db"
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        deadline = time.monotonic() + 1.0
        while b'"oom_kills":5' not in stored(path):
            assert time.monotonic() < deadline, "not stored within a second"
        os.kill(child.pid, signal.SIGKILL)
    counters = LifecycleCounters(str(path))
    assert counters.counts(WEB).oom_kills == 5
    counters.close()


def stored(path: pathlib.Path) -> bytes:
    database = sqlite3.connect(path)
    try:
        return b"".join(data for (data,) in database.execute("SELECT data FROM counts"))
    finally:
        database.close()


def test_a_damaged_file_is_put_aside(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "db"
    path.write_bytes(b"this is no database" * 1000)
    counters = LifecycleCounters(str(path))
    counters.touch(WEB)
    (aside,) = tmp_path.glob("db.damaged-*")
    assert aside.read_bytes().startswith(b"this is no database")
    assert counters.counts(WEB).restarts == 0
    counters.close()


def test_a_disk_that_refuses_is_a_problem_told_not_an_error_raised(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "db"
    counters = LifecycleCounters(str(path))
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    counters.touch(WEB)
    counters.exited(WEB, Reason.ERROR, 1)
    deadline = time.monotonic() + 5
    while not counters.problem:
        assert time.monotonic() < deadline
    assert samples(counters)['container_exits_total{name="web",reason="error"}'] == 1
    other.rollback()
    other.close()
    counters.close()
    assert b'"error":1' in stored(path)


def test_what_changes_is_shown_at_once(tmp_path: pathlib.Path) -> None:
    counters = LifecycleCounters(str(tmp_path / "db"))
    counters.touch(WEB)
    assert samples(counters)['container_restarts_total{name="web"}'] == 0
    counters.restarted(WEB)
    assert samples(counters)['container_restarts_total{name="web"}'] == 1
    counters.forget(WEB)
    assert samples(counters) == {}
    counters.touch(WEB)
    assert samples(counters)['container_restarts_total{name="web"}'] == 0
    counters.close()


def test_forgotten_names_are_gone_for_good(tmp_path: pathlib.Path) -> None:
    counters = LifecycleCounters(str(tmp_path / "db"))
    counters.touch(WEB)
    counters.forget(WEB)
    counters.close()
    assert LifecycleCounters(str(tmp_path / "db")).known() == []


def test_kubernetes_is_named_by_pod_and_others_by_name() -> None:
    pod = Container(id="/x", name="id-of-cri", engine="containerd", namespace="ns", pod="p", container="c")
    assert key_of(pod).labels() == 'namespace="ns",pod="p",container="c"'
    assert key_of(Container(id="/y", name='a"b', engine="docker")).labels() == 'name="a\\"b"'


def test_only_lifecycle_families_are_given(tmp_path: pathlib.Path) -> None:
    counters = LifecycleCounters(str(tmp_path / "db"))
    assert tuple(family for family, _ in counters.sections()) == catalogue.LIFECYCLE
    assert os.path.exists(tmp_path / "db")


def test_a_sign_of_life_goes_to_disk_now_and_then_and_at_the_end(tmp_path: pathlib.Path) -> None:
    counters = LifecycleCounters(str(tmp_path / "db"))
    counters.set_last_alive(100.0)
    deadline = time.monotonic() + 5
    while _stored_alive(tmp_path / "db") != 100.0 and time.monotonic() < deadline:
        time.sleep(0.01)
    counters.set_last_alive(105.0)
    assert counters.last_alive() == 105.0
    assert _stored_alive(tmp_path / "db") == 100.0
    counters.close()
    assert _stored_alive(tmp_path / "db") == 105.0


def _stored_alive(path: pathlib.Path) -> float | None:
    with sqlite3.connect(path) as database:
        row = database.execute("SELECT value FROM facts WHERE name = 'last_alive'").fetchone()
    return row[0] if row else None


async def test_prepared_series_follow_what_changes(tmp_path: pathlib.Path) -> None:
    counters = LifecycleCounters(str(tmp_path / "db"))
    counters.touch(WEB)
    await counters.prepare()
    counters.restarted(WEB)
    assert samples(counters)['container_restarts_total{name="web"}'] == 1
    await counters.prepare()
    assert samples(counters)['container_restarts_total{name="web"}'] == 1
    counters.forget(WEB)
    await counters.prepare()
    assert samples(counters) == {}


def test_what_was_counted_goes_with_a_new_name(tmp_path: pathlib.Path) -> None:
    old, new = Key("", "", "", "old"), Key("", "", "", "new")
    counters = LifecycleCounters(str(tmp_path / "db"))
    counters.touch(old)
    counters.restarted(old)
    counters.rename(old, new, shared=False)
    counters.close()
    again = LifecycleCounters(str(tmp_path / "db"))
    assert again.known() == [new] and again.counts(new).restarts == 1
    again.touch(old)
    again.rename(old, new, shared=True)
    assert again.counts(new).restarts == 1 and again.counts(old).restarts == 0
    again.close()
