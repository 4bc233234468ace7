"""Lifecycle counters survive restarts and kills."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

from agent.counters import Key, LifecycleCounters, Seen, key_of
from collectors.metrics import catalogue
from collectors.model import Container, Health, Reason, State

WEB = Key("", "", "", "web")


def samples(counters: LifecycleCounters) -> dict[str, float]:
    return {
        f"{family.name}{{{labels}}}": value
        for family, series in counters.sections()
        for labels, value in series
    }


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


def test_a_count_is_on_disk_at_once(tmp_path: pathlib.Path) -> None:
    script = (
        "import os, signal, sys; from agent.counters import *; from agent.counters import Key\n"
        "counters = LifecycleCounters(sys.argv[1]); key = Key('', '', '', 'web'); counters.touch(key)\n"
        "counters.oom_killed(key, 5); os.kill(os.getpid(), signal.SIGKILL)"
    )
    finished = subprocess.run([sys.executable, "-c", script, str(tmp_path / "db")], check=False)
    assert finished.returncode == -signal.SIGKILL
    counters = LifecycleCounters(str(tmp_path / "db"))
    assert counters.counts(WEB).oom_kills == 5


def test_a_damaged_file_is_put_aside(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "db"
    path.write_bytes(b"this is no database" * 1000)
    counters = LifecycleCounters(str(path))
    counters.touch(WEB)
    assert (tmp_path / "db.damaged").read_bytes().startswith(b"this is no database")
    assert counters.counts(WEB).restarts == 0


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
