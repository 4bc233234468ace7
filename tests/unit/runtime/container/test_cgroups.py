"""A container's cgroup on this kernel, whatever hierarchies it has: limits in force, killed whole, gone."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from runtime.container.cgroups import ContainerCgroup
from runtime.linux import hierarchies
from runtime.linux.errors import Refused

pytestmark = [pytest.mark.root, pytest.mark.inside_cgroup2]
PARENT = f"/deckwatch-test-cgroup-{os.getpid()}"


@pytest.fixture
def found() -> hierarchies.Hierarchies:
    if os.geteuid() != 0:
        pytest.skip("making cgroups needs root")
    return hierarchies.detect()


@pytest.fixture
def cgroup(found: hierarchies.Hierarchies) -> Iterator[ContainerCgroup]:
    made = ContainerCgroup.open(found, f"{PARENT}/web-1")
    yield made
    made.kill()
    until(lambda: not made.populated())
    made.remove()
    ContainerCgroup.open(found, PARENT).remove()


def until(true: object) -> None:
    """Wait for a condition, for a limited time."""
    assert callable(true)
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def content(cgroup: ContainerCgroup, controller: str, file: str) -> str:
    """What a file of the cgroup says."""
    directory = cgroup.directory(controller)
    assert directory is not None
    return pathlib.Path(directory, file).read_text().strip()


def test_it_exists_in_every_hierarchy_and_leaves_all(cgroup: ContainerCgroup) -> None:
    cgroup.make({})
    assert all(os.path.isdir(place.directory) for place in cgroup.places)
    cgroup.remove()
    assert not any(os.path.exists(place.directory) for place in cgroup.places)
    cgroup.remove()


def test_everybody_may_read_it_whatever_the_mask(cgroup: ContainerCgroup) -> None:
    mask = os.umask(0o077)
    try:
        cgroup.make({})
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(mask)
    assert {os.stat(place.directory).st_mode & 0o777 for place in cgroup.places} == {0o755}


def test_limits_are_in_the_kernels_files(cgroup: ContainerCgroup, found: hierarchies.Hierarchies) -> None:
    cgroup.make(
        {
            "cpu": {"quota": 50_000, "period": 100_000},
            "memory": {"limit": 64 << 20, "swap": 64 << 20},
            "pids": {"limit": 9},
        }
    )
    assert content(cgroup, "pids", "pids.max") == "9"
    if found.mode == "v2":
        assert content(cgroup, "cpu", "cpu.max") == "50000 100000"
        assert content(cgroup, "memory", "memory.max") == str(64 << 20)
    else:
        assert content(cgroup, "cpu", "cpu.cfs_quota_us") == "50000"
        assert content(cgroup, "memory", "memory.limit_in_bytes") == str(64 << 20)


def test_a_refused_limit_leaves_nothing(cgroup: ContainerCgroup, found: hierarchies.Hierarchies) -> None:
    wanted = {"cpu": {"quota": 1, "period": 100_000}}
    with pytest.raises(Refused, match=r"resources\.cpus: cannot write"):
        cgroup.make(wanted)
    assert not any(os.path.exists(place.directory) for place in cgroup.places)


def test_what_only_v2_has_is_refused_by_the_workloads_key(
    cgroup: ContainerCgroup, found: hierarchies.Hierarchies
) -> None:
    wanted = {"unified": {"memory.high": "1048576"}}
    if found.mode == "v2":
        cgroup.make(wanted)
        assert content(cgroup, "memory", "memory.high") == "1048576"
        return
    with pytest.raises(Refused, match=r"resources\.memory_high: .* cgroup v2"):
        cgroup.make(wanted)


def test_join_moves_a_process_everywhere(cgroup: ContainerCgroup, found: hierarchies.Hierarchies) -> None:
    cgroup.make({})
    child = subprocess.Popen(["sleep", "60"])
    cgroup.join(child.pid)
    mounted = {name for place in cgroup.places for name in place.controllers}
    paths = {name: path for name, path in found.paths_of_pid(child.pid).items() if name in mounted}
    assert set(paths.values()) == {cgroup.path}
    assert cgroup.processes() == {child.pid}
    assert cgroup.populated()
    child.kill()
    child.wait()
    until(lambda: not cgroup.populated())


def test_kill_reaches_those_that_fork_and_ignore(cgroup: ContainerCgroup) -> None:
    cgroup.make({"pids": {"limit": 40}})
    script = "trap '' TERM HUP INT; while :; do (sleep 5 & wait) & sleep 0.01; done"
    child = subprocess.Popen(
        ["sh", "-c", script], preexec_fn=cgroup.join, stderr=subprocess.DEVNULL, start_new_session=True
    )
    until(lambda: len(cgroup.processes()) > 5)
    cgroup.kill()
    assert child.wait(10) == -signal.SIGKILL
    until(lambda: not cgroup.populated())


def test_kill_reaches_the_frozen(cgroup: ContainerCgroup, found: hierarchies.Hierarchies) -> None:
    cgroup.make({})
    child = subprocess.Popen(["sleep", "60"], preexec_fn=cgroup.join)
    directory, file, value = (
        (cgroup.directory("unified"), "cgroup.freeze", "1")
        if found.mode == "v2"
        else (cgroup.directory("freezer"), "freezer.state", "FROZEN")
    )
    pathlib.Path(str(directory), file).write_text(value)
    cgroup.kill()
    assert child.wait(10) == -signal.SIGKILL


def test_kill_without_cgroup_kill(cgroup: ContainerCgroup, found: hierarchies.Hierarchies) -> None:
    """On v1 alone the freezer holds them while they are signalled."""
    if found.mode == "v2":
        pytest.skip("cgroup.kill is always there on v2")
    v1 = ContainerCgroup(cgroup.path, tuple(place for place in cgroup.places if place.version == 1))
    v1.make({})
    child = subprocess.Popen(["sh", "-c", "while :; do sleep 0.01; done"], preexec_fn=v1.join)
    v1.kill()
    assert child.wait(10) == -signal.SIGKILL
    until(lambda: not v1.populated())


def test_final_figures(cgroup: ContainerCgroup) -> None:
    cgroup.make({})
    script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"
    subprocess.run(["sh", "-c", script], preexec_fn=cgroup.join, check=True)
    until(lambda: not cgroup.populated())
    final = cgroup.final()
    assert 0 < final["cpu_seconds"] < 10
    assert final["memory_peak"] > 0
    assert final["oom_kills"] == 0


def test_remove_waits_for_the_last_process(cgroup: ContainerCgroup) -> None:
    cgroup.make({})
    child = subprocess.Popen(["sleep", "0.05"], preexec_fn=cgroup.join)
    cgroup.remove()
    assert child.wait(5) == 0


def test_remove_takes_what_lies_below(cgroup: ContainerCgroup) -> None:
    cgroup.make({})
    for place in cgroup.places:
        os.makedirs(f"{place.directory}/below/deeper")
    cgroup.remove()
    assert not any(os.path.exists(place.directory) for place in cgroup.places)
