"""Whole containers on the real kernel: what a workload finds when it starts, and how its end is told."""

from __future__ import annotations

import os
import pathlib
import signal
import stat
import time
from typing import TYPE_CHECKING

import pytest

from runtime.container.create import StartError, create
from runtime.linux import process, signals
from runtime.linux.errors import Refused
from runtime.linux.syscalls import number, syscall

if TYPE_CHECKING:
    from conftest import Box

pytestmark = pytest.mark.root
LIMIT = 10.0


def until(found: object, what: str) -> None:
    """Wait for a condition, for a limited time."""
    assert callable(found)
    end = time.monotonic() + LIMIT
    while not found():
        assert time.monotonic() < end, f"{what} did not come within {LIMIT} s"
        time.sleep(0.005)


def children() -> set[int]:
    """Children of the test's own process, dead ones too; others than the test's may be among them."""
    return set(map(int, pathlib.Path("/proc/thread-self/children").read_text().split()))


@pytest.mark.inside_cgroup2
def test_hello_world_leaves_nothing_behind(box: Box) -> None:
    descriptors = sorted(os.listdir("/proc/self/fd"))
    ended = box.run("echo", "hello", "world")
    assert (ended.code, ended.out, ended.status) == (0, "hello world\n", (0, None))
    assert str(box.directory) not in pathlib.Path("/proc/self/mountinfo").read_text()
    assert sorted(os.listdir("/proc/self/fd")) == descriptors
    assert not any(os.path.exists(place.directory) for place in box.cgroup.places)


@pytest.mark.parametrize("init", [True, False])
def test_exit_code_is_the_commands(box: Box, init: bool) -> None:
    ended = box.run("sh", "-c", "exit 7", init=init)
    assert ended.code == 7
    assert ended.status == ((7, None) if init else None)


def test_signal_is_told_by_the_status_record(box: Box) -> None:
    ended = box.run("sh", "-c", "kill -USR1 $$")
    assert ended.code == 128 + signal.SIGUSR1
    assert ended.status == (None, signal.SIGUSR1)


def test_namespaces_are_its_own(box: Box) -> None:
    names = ("pid", "mnt", "uts", "ipc", "cgroup", "net")
    out = box.sh("for n in pid mnt uts ipc cgroup net; do readlink /proc/self/ns/$n; done")
    for name, inside in zip(names, out.split(), strict=True):
        assert inside != os.readlink(f"/proc/self/ns/{name}"), name


def test_host_network_is_the_hosts(box: Box) -> None:
    out = box.sh("readlink /proc/self/ns/net", network={"mode": "host"})
    assert out.strip() == os.readlink("/proc/self/ns/net")


def test_loopback_is_up(box: Box) -> None:
    assert box.sh("cat /sys/class/net/lo/flags").strip() == "0x9"


def test_only_standard_descriptors(box: Box) -> None:
    held = os.open("/", os.O_RDONLY)
    os.set_inheritable(held, True)
    try:
        out = box.sh("ls /proc/self/fd")
    finally:
        os.close(held)
    # `ls` itself holds the directory as 3.
    assert out.split() == ["0", "1", "2", "3"]


def test_init_holds_no_directory_and_no_rights(box: Box) -> None:
    running = box.start(box.config("sleep", "30"))
    descriptors = {
        os.readlink(f"/proc/{running.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{running.pid}/fd")
    }
    assert descriptors == {"/dev/null", str(box.status)}
    status = dict(
        line.split(":\t", 1) for line in pathlib.Path(f"/proc/{running.pid}/status").read_text().splitlines()
    )
    assert status["Name"] == "init"
    assert int(status["CapPrm"], 16) == int(status["CapEff"], 16) == 1 << 5
    assert status["NoNewPrivs"] == "1"
    assert os.stat(f"/proc/{running.pid}/mem").st_uid == 0
    os.kill(running.pid, signal.SIGTERM)
    assert box.wait(running).status == (None, signal.SIGTERM)


def test_signals_are_default_and_unblocked(box: Box) -> None:
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    signals.ignore(32)
    try:
        out = box.run("grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status").out
    finally:
        signal.signal(signal.SIGUSR2, signal.SIG_DFL)
        signals.set_default(32)
    assert [line.split()[1] for line in out.splitlines()] == ["0" * 16] * 2


def test_the_callers_handlers_never_run_in_the_container(box: Box) -> None:
    seen: list[int] = []
    signal.signal(signal.SIGUSR1, lambda number, _: seen.append(number))
    try:
        running = box.start(box.config("sleep", "30"))
        os.kill(running.pid, signal.SIGUSR1)
        assert box.wait(running).status == (None, signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    assert seen == []


def test_command_has_a_session_of_its_own(box: Box) -> None:
    out = box.sh("awk '{print $1, $5, $6}' /proc/$$/stat")
    pid, group, session = out.split()
    assert pid == group == session == "2"


def test_environment_is_exactly_the_given_one(box: Box) -> None:
    os.environ["DECKWATCH_TEST_SECRET"] = "1"
    try:
        out = box.run("env", env={"A": "b c"}).out
    finally:
        del os.environ["DECKWATCH_TEST_SECRET"]
    names = {line.split("=", 1)[0] for line in out.splitlines()}
    assert names == {"PATH", "HOME", "HOSTNAME", "A"}
    assert "A=b c" in out


def test_hostname_user_directory_and_limits(box: Box) -> None:
    out = box.sh(
        "hostname; pwd; id -u; id -g; id -G; ulimit -n; umask",
        hostname="castle",
        working_dir="/tmp",
        user="1000:1001",
        groups=[1002],
        resources={"files": {"nofile": 77}},
    )
    assert out.split() == ["castle", "/tmp", "1000", "1001", "1001", "1002", "77", "0022"]


def test_user_reopens_its_output(box: Box) -> None:
    fifo = box.directory / "stdout"
    os.mkfifo(fifo, 0o600)
    os.chown(fifo, 1000, 1000)
    held = os.open(fifo, os.O_RDWR)
    try:
        running = box.start(box.config("sh", "-c", "echo again > /dev/stdout", user="1000:1000"), stdout=held)
        assert box.wait(running).code == 0
        assert os.read(held, 100) == b"again\n"
    finally:
        os.close(held)


def test_null_is_the_containers_own(box: Box) -> None:
    out = box.sh("stat -L -c '%t:%T' /proc/self/fd/0; stat -L -c %d /proc/self/fd/0; stat -c %d /dev")
    numbers, device, dev = out.split()
    assert numbers == "1:3"
    assert device == dev


def test_orphans_are_reaped_and_signals_forwarded(box: Box) -> None:
    script = (
        "trap 'echo term; exit 3' TERM; (sh -c 'sleep 0.05 &' &); echo ready; while :; do sleep 0.05; done"
    )
    running = box.start(box.config("sh", "-c", script))
    until(lambda: "ready" in running.output.read_text(), "readiness")
    os.kill(running.pid, signal.SIGTERM)
    ended = box.wait(running)
    assert (ended.code, ended.status, ended.out) == (3, (3, None), "ready\nterm\n")


def test_end_of_the_command_ends_the_rest(box: Box) -> None:
    ended = box.run("sh", "-c", "sleep 1000 & exec true")
    assert ended.code == 0
    assert not box.cgroup.populated()


def test_missing_command_is_named(box: Box) -> None:
    with pytest.raises(
        StartError, match=r'cannot start command "nonesuch" along PATH .*No such file'
    ) as caught:
        box.run("nonesuch")
    assert caught.value.stage == "exec"


@pytest.mark.parametrize(
    ("changes", "stage", "text"),
    [
        ({"working_dir": "/nowhere"}, "rights", "/nowhere"),
        ({"resources": {"files": {"nofile": 1 << 30}}}, "rlimits", "RLIMIT_NOFILE"),
        ({"mounts": [{"type": "bind", "source": "/nonesuch", "target": "/x"}]}, "mounts", "/nonesuch"),
        ({"sysctls": {"net.ipv4.nonesuch": 1}}, "sysctls", "net.ipv4.nonesuch"),
    ],
)
def test_a_failed_step_is_named_and_nothing_stays(
    box: Box, changes: dict[str, object], stage: str, text: str
) -> None:
    before = children()
    with pytest.raises(StartError) as caught:
        box.run("true", **changes)
    assert caught.value.stage == stage
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert children() == before


def test_a_limit_that_cannot_be_set_is_refused_by_key_and_nothing_stays(box: Box) -> None:
    config = box.config("true")
    config["linux"]["resources"] = {"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}
    before = children()
    with pytest.raises(Refused, match=r"^resources\.hugetlb: "):
        box.start(config)
    assert children() == before
    assert not any(os.path.exists(place.directory) for place in box.cgroup.places)


def test_a_cgroup_made_before_is_joined(box: Box) -> None:
    box.cgroup.make({"pids": {"limit": 31}})
    config = box.config("cat", "/sys/fs/cgroup/pids/pids.max")
    if box.hierarchies.mode == "v2":
        config = box.config("cat", "/sys/fs/cgroup/pids.max")
    config["linux"]["resources"] = None
    assert box.wait(box.start(config)).out == "31\n"


def test_wrong_configuration_is_refused_before_a_fork() -> None:
    with pytest.raises(StartError, match=r"config\.json is wrong"):
        create({"process": {}}, rootfs="/", cgroup=None, stdin=0, stdout=1, stderr=2)


@pytest.mark.inside_cgroup2
def test_fork_bomb_meets_its_limit(box: Box) -> None:
    script = "i=0; while [ $i -lt 50 ]; do sleep 20 & i=$((i+1)); done; echo all"
    ended = box.run("sh", "-c", script, resources={"pids": 8})
    assert ended.code != 0
    assert "all" not in ended.out
    assert ended.final.get("pids_peak", 8) <= 8


def test_a_limit_of_one_process_leaves_room_for_the_command(box: Box) -> None:
    ended = box.run("sh", "-c", "echo alone; sleep 0 & wait; echo two", resources={"pids": 1})
    assert ended.out.startswith("alone\n")
    assert "two" not in ended.out


@pytest.mark.inside_cgroup2
def test_memory_limit_kills_and_is_counted(box: Box) -> None:
    dd = "dd if=/dev/zero of=/dev/null bs=1024M count=1"
    ended = box.run_from_small_process("sh", "-c", dd, resources={"memory": "64Mi", "swap": 0})
    assert ended.code == 128 + signal.SIGKILL
    assert ended.status == (None, signal.SIGKILL)
    assert ended.final["oom_kills"] == 1
    assert ended.final["memory_peak"] <= 64 << 20


def test_session_keyring_is_new(box: Box) -> None:
    get_id, session = 0, -3
    ours = syscall(number("keyctl"), get_id, session, 1)
    config = box.config("cat", "/proc/keys", user="1000:1000")
    config["linux"]["maskedPaths"].remove("/proc/keys")
    out = box.wait(box.start(config)).out
    assert "_ses" in out
    assert f"{ours:08x}" not in out


def test_pidfd_tells_the_end(box: Box) -> None:
    running = box.start(box.config("sleep", "30"))
    assert not process.ended(running.pidfd)
    signal.pidfd_send_signal(running.pidfd, signal.SIGKILL)
    assert box.wait(running).code == -signal.SIGKILL


def test_read_only_root(box: Box) -> None:
    assert "Read-only" in box.sh("touch /x 2>&1 || true", security={"read_only": True})
    assert stat.S_ISDIR(os.stat(box.rootfs).st_mode)
