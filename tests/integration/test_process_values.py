"""What collectors tell of processes and network namespaces, against what this kernel's other tools say."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest
from pyroute2 import TaskStats

from collectors.metrics.sampler import Sampler
from collectors.model import Network
from runtime.linux import hierarchies
from tests.integration.box import Box, Limits, boxed, entry, stop, told
from tests.integration.oracle import Own, Values

pytestmark = [
    pytest.mark.root,
    pytest.mark.inside_cgroup2,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make cgroups"),
]

REPOSITORY = pathlib.Path(__file__).parents[2]
NONE: Own = frozenset()
NO_LIMITS: Limits = {1: {}, 2: {}}
DELAY_SWITCH = pathlib.Path("/proc/sys/kernel/task_delayacct")

# Works in three threads until each has waited for a CPU.
THREADS = """
import threading, time
def work():
    end = time.thread_time() + 0.05
    while time.thread_time() < end: pass
    keep.wait()
keep = threading.Event()
threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
for thread in threads: thread.start()
work_end = time.process_time() + 0.2
while time.process_time() < work_end: pass
print("ready", flush=True)
time.sleep(1000)
"""
# Waits for a disk, copies pages shared with a child, and waits for a CPU.
DELAYED = """
import os, sys, threading, time
block = bytearray(8 << 20)
reading, writing = os.pipe()
if not os.fork():
    # Until the parent ends.
    os.close(writing)
    os.read(reading, 1)
    os._exit(0)
block[:] = os.urandom(len(block))
descriptor = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o600)
for _ in range(20):
    os.write(descriptor, os.urandom(1 << 16))
    os.fsync(descriptor)
end = time.process_time() + 0.3
while time.process_time() < end: pass
print("ready", flush=True)
time.sleep(1000)
"""
FILES = """
import socket, time
held = [open("/dev/null") for _ in range(20)] + [socket.socket() for _ in range(7)]
print("ready", flush=True)
time.sleep(1000)
"""
# TCP over both IP versions in several states, a full queue of connections, refused ones, a datagram that waits.
SOCKETS = """
import contextlib, os, socket, time
held = []
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    server = socket.create_server((host, 0), family=family, backlog=8)
    held.append(server)
    for _ in range(3):
        held.append(socket.create_connection(server.getsockname()[:2]))
        held.append(server.accept()[0])
    held[-1].shutdown(socket.SHUT_WR)
small = socket.create_server(("127.0.0.1", 0), backlog=0)
held.append(small)
for _ in range(4):
    one = socket.socket()
    one.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        one.connect(small.getsockname())
    held.append(one)
    time.sleep(0.05)
for _ in range(5):
    with socket.socket() as one:
        with contextlib.suppress(ConnectionRefusedError):
            one.connect(("127.0.0.1", 9))
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    receiver.bind((host, 0))
    receiver.sendto(b"x" * 1000, receiver.getsockname())
    held.append(receiver)
print("ready", flush=True)
time.sleep(1000)
"""
# States of ss(8) in cAdvisor's words.
SS = {
    "ESTAB": "established", "SYN-SENT": "synsent", "SYN-RECV": "synrecv", "FIN-WAIT-1": "finwait1",
    "FIN-WAIT-2": "finwait2", "TIME-WAIT": "timewait", "UNCONN": "close", "CLOSE-WAIT": "closewait",
    "LAST-ACK": "lastack", "LISTEN": "listen", "CLOSING": "closing",
}  # fmt: skip


@pytest.fixture
def box() -> Iterator[Box]:
    with boxed(hierarchies.detect()) as made:
        yield made


@contextlib.contextmanager
def _sampler(*collectors: str) -> Iterator[Sampler]:
    """A sampler with these collectors on, which this kernel must support."""
    made = Sampler(hierarchies.detect(), collectors=dict.fromkeys(collectors, True))
    try:
        reasons = {name: made.support()[name] for name in collectors}
        if any(reasons.values()):
            pytest.skip(f"not supported here: {reasons}")
        yield made
    finally:
        made.close()


def _read(sampler: Sampler, box: Box) -> Values:
    row = sampler.read_one(box.id)
    assert row is not None
    return told(row)


def _family(values: Values, name: str, label: str) -> dict[str, float]:
    return {dict(own)[label]: number for (family, own), number in values.items() if family == name}


async def _surveyed(sampler: Sampler, box: Box, enough: Callable[[Values], bool]) -> Values:
    """A reading with what a survey found, as soon as it is as expected."""
    async with asyncio.timeout(40):
        while not enough(values := _read(sampler, box)):
            await asyncio.sleep(0.05)
    return values


def _schedstat(pid: int) -> list[int]:
    """Sums over the threads of a process."""
    threads = [path.read_text().split() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return [sum(int(thread[column]) for thread in threads) for column in range(3)]


def _agrees(sampler: Sampler, box: Box, expected: Sequence[int]) -> None:
    """That a row says so in the end: where the kernel is slow, it takes more than one pass to see all threads."""
    names = ("run_seconds", "runqueue_seconds", "run_periods")
    figures = [expected[0] / 1e9, expected[1] / 1e9, expected[2]]
    for _ in range(100):
        values = _read(sampler, box)
        told = [values[f"container_cpu_schedstat_{name}_total", NONE] for name in names]
        if told == pytest.approx(figures, abs=1e-9):
            return
    assert told == pytest.approx(figures, abs=1e-9)


def test_the_scheduler_counts_what_schedstat_of_all_threads_says(box: Box) -> None:
    with _sampler("sched") as sampler:
        started = [box.start([sys.executable, "-c", THREADS]) for _ in range(2)]
        for process in started:
            stop(process.pid)
        sampler.add(entry(box, started[0].pid), "box")
        expected = [sum(column) for column in zip(*(_schedstat(one.pid) for one in started), strict=True)]
        assert expected[0] > 0.4e9 and expected[1] > 0 and expected[2] > 0
        _agrees(sampler, box, expected)
        started[1].kill()
        started[1].wait()
        _agrees(sampler, box, expected)


def test_processes_in_cgroups_below_are_the_containers_until_these_are_told_for_themselves(box: Box) -> None:
    with _sampler("sched") as sampler, boxed(hierarchies.detect(), NO_LIMITS, box.id) as inner:
        process = inner.start([sys.executable, "-c", THREADS])
        stop(process.pid)
        sampler.add(entry(box, process.pid), "box")
        expected = _schedstat(process.pid)
        _agrees(sampler, box, expected)
        sampler.add(entry(inner, process.pid), "inner")
        _agrees(sampler, inner, expected)
        # What it had counted stays its own.
        _agrees(sampler, box, expected)


@contextlib.contextmanager
def _delays_counted() -> Iterator[None]:
    if not DELAY_SWITCH.exists():
        pytest.skip("this kernel has no switch for delay accounting")
    before = DELAY_SWITCH.read_text()
    DELAY_SWITCH.write_text("1")
    try:
        yield
    finally:
        DELAY_SWITCH.write_text(before)


def _delays(pid: int) -> Mapping[str, int]:
    """Nanoseconds by resource, added up over the threads of a process by another reader of taskstats."""
    total: collections.Counter[str] = collections.Counter()
    with contextlib.closing(TaskStats()) as taskstats:
        taskstats.bind()
        for thread in os.listdir(f"/proc/{pid}/task"):
            nested = taskstats.get_pid_stat(int(thread))[0].get_attr("TASKSTATS_TYPE_AGGR_PID")
            stats = nested.get_attr("TASKSTATS_TYPE_STATS")
            for field in ("cpu", "blkio", "swapin"):
                total[field] += stats[f"{field}_delay_total"]
    return total


def test_delays_are_what_taskstats_of_all_threads_say(box: Box, tmp_path: pathlib.Path) -> None:
    with _delays_counted(), _sampler("delays") as sampler:
        process = box.start([sys.executable, "-c", DELAYED, str(tmp_path / "file")])
        stop(process.pid)
        pids = [int(pid) for pid in box.read("pids", "cgroup.procs").split()]
        assert len(pids) == 2
        sampler.add(entry(box, process.pid), "box")
        before = sum((collections.Counter(_delays(pid)) for pid in pids), collections.Counter())
        values = _family(_read(sampler, box), "container_delay_seconds_total", "resource")
        for resource in ("cpu", "blkio", "swapin"):
            assert values[resource] == pytest.approx(before[resource] / 1e9, abs=1e-9), resource
        assert values["cpu"] > 0
        if "wpcopy" in values:
            assert values["wpcopy"] > 0
        process.kill()
        process.wait()
        after = _family(_read(sampler, box), "container_delay_seconds_total", "resource")
        assert all(after[resource] >= values[resource] for resource in values)


def test_delays_are_not_told_where_the_kernel_does_not_count_them() -> None:
    if not DELAY_SWITCH.exists() or DELAY_SWITCH.read_text().strip() != "0":
        pytest.skip("this kernel counts delays")
    sampler = Sampler(hierarchies.detect())
    try:
        assert "kernel.task_delayacct=1" in sampler.support()["delays"]
    finally:
        sampler.close()


async def test_open_files_are_what_proc_lists(box: Box) -> None:
    with _sampler("process") as sampler:
        process = box.start([sys.executable, "-c", FILES])
        sampler.add(entry(box, process.pid), "box")
        directory = f"/proc/{process.pid}/fd"
        links = [os.readlink(f"{directory}/{name}") for name in os.listdir(directory)]
        values = await _surveyed(sampler, box, lambda values: ("container_file_descriptors", NONE) in values)
        assert values["container_file_descriptors", NONE] == len(links) >= 30
        assert values["container_sockets", NONE] == sum(link.startswith("socket:") for link in links) == 7
        soft = int(subprocess.check_output(["sh", "-c", "ulimit -Sn"], text=True))
        assert _family(values, "container_ulimits_soft", "ulimit") == {"max_open_files": soft}
        assert values["container_file_descriptors_limit_ratio", NONE] == pytest.approx(len(links) / soft)


async def test_threads_by_state(box: Box) -> None:
    with _sampler("cpuLoad") as sampler:
        process = box.start([sys.executable, "-c", THREADS])
        stop(process.pid)
        sampler.add(entry(box, process.pid), "box")
        values = await _surveyed(
            sampler, box, lambda values: bool(_family(values, "container_tasks_state", "state"))
        )
        expected = {"sleeping": 0, "running": 0, "stopped": 4, "uninterruptible": 0}
        assert _family(values, "container_tasks_state", "state") == expected


async def test_referenced_memory_is_what_smaps_says(box: Box) -> None:
    with _sampler("referenced_memory") as sampler:
        process = box.start([sys.executable, "-c", FILES])
        stop(process.pid)
        sampler.add(entry(box, process.pid), "box")
        values = await _surveyed(sampler, box, lambda values: ("container_referenced_bytes", NONE) in values)
        smaps = pathlib.Path(f"/proc/{process.pid}/smaps").read_text()
        kibibytes = sum(int(found) for found in re.findall(r"^Referenced: +(\d+) kB", smaps, re.MULTILINE))
        # The kernel may take some marks back at any time.
        assert values["container_referenced_bytes", NONE] == pytest.approx(kibibytes * 1024, rel=0.05)


@pytest.fixture
def networked(box: Box) -> int:
    """A process with sockets in a network namespace of its own."""
    for tool in ("unshare", "nsenter", "ip", "ss"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    script = 'ip link set lo up && exec "$@"'
    return box.start(["unshare", "-n", "sh", "-c", script, "sh", sys.executable, "-c", SOCKETS]).pid


def _inside(pid: int, *command: str) -> str:
    return subprocess.check_output(["nsenter", "-t", str(pid), "-n", *command], text=True, timeout=20)


def _states(pid: int, version: str) -> dict[str, int]:
    """Sockets by state, as ss tells them."""
    lines = _inside(pid, "ss", "-tanH", version).splitlines()
    counts = collections.Counter(SS[line.split()[0]] for line in lines)
    return {word: counts[word] for word in SS.values()}


async def test_sockets_by_state_are_what_ss_says(box: Box, networked: int) -> None:
    with _sampler("tcp", "udp") as sampler:
        sampler.add(entry(box, networked, Network.OWNER), "box")
        for version, family in (("-4", "tcp"), ("-6", "tcp6")):
            name = f"container_network_{family}_usage_total"

            def agrees(values: Values, name: str = name, version: str = version) -> bool:
                return _family(values, name, "tcp_state") == _states(networked, version)

            states = _family(await _surveyed(sampler, box, agrees), name, "tcp_state")
            assert states["established"] >= 4 and states["listen"] >= 1 and states["closewait"] == 1
        for version, family in (("-4", "udp"), ("-6", "udp6")):
            name = f"container_network_{family}_usage_total"
            values = await _surveyed(
                sampler,
                box,
                lambda values, name=name: bool(_family(values, name, "udp_state")),  # type: ignore[misc]
            )
            (line,) = _inside(networked, "ss", "-uanH", version).splitlines()
            waiting = int(line.split()[1])
            expected = {"listen": 1, "dropped": 0, "rxqueued": waiting, "txqueued": 0}
            assert _family(values, name, "udp_state") == expected and waiting >= 1000
        root = told((await sampler.read()).rows[0])
        assert _family(root, "container_network_tcp_usage_total", "tcp_state").keys() == set(SS.values())


def test_counters_of_tcp_are_what_nstat_says(box: Box, networked: int) -> None:
    if shutil.which("nstat") is None:
        pytest.skip("needs nstat")
    with _sampler("advtcp") as sampler:
        sampler.add(entry(box, networked, Network.OWNER), "box")
        name = "container_network_advance_tcp_stats_total"
        for _ in range(50):
            before = _nstat(networked)
            values = _family(_read(sampler, box), name, "tcp_state")
            if before == _nstat(networked):
                break
        assert len(values) == 20 and values == {word: before[word] for word in values}
        # Five were refused, and a queue was full.
        assert values["attemptfails"] >= 5 and values["outrsts"] >= 5
        assert values["activeopens"] >= 10 and values["listenoverflows"] >= 1


def _nstat(pid: int) -> dict[str, float]:
    """All counters by their name without the protocol, in small letters."""
    lines = [line.split() for line in _inside(pid, "nstat", "-asz").splitlines() if line[0] != "#"]
    found = {line[0]: float(line[1]) for line in lines}
    return {
        name.removeprefix("TcpExt").removeprefix("Tcp").lower(): found[name]
        for name in found
        if name[:3] == "Tcp"
    }


@pytest.mark.parametrize("switch", ["process", "referenced_memory"])
def test_what_is_refused_is_absent_with_its_reason(box: Box, switch: str) -> None:
    """As an ordinary user, of a process of root's."""
    process = box.start([sys.executable, "-c", FILES])
    script = f"""
import os, sys, time
from collectors.metrics import catalogue
from collectors.metrics.sampler import Sampler
from collectors.model import Container, Entry
from runtime.linux import hierarchies
made = Sampler(hierarchies.detect(), collectors={{"disk": False, {switch!r}: True}})
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
made.close()
made = Sampler(hierarchies.detect(), collectors={{"disk": False, {switch!r}: True}})
made.add(Entry(container=Container(id={box.id!r}, name="box", engine="test"), pid={process.pid}), "box")
until = time.monotonic() + 30
while not (told := made.troubles().get({switch!r})) and time.monotonic() < until:
    row = made.read_one({box.id!r})
    time.sleep(0.05)
row = made.read_one({box.id!r})
places = [catalogue.INDEX[family] for family in (catalogue.SOCKETS, catalogue.REFERENCED_BYTES)]
assert [row.values[place] for place in places] == [None, None], row.values
print(row.values[catalogue.INDEX[catalogue.FILE_DESCRIPTORS]], told)
made.close()
"""
    finished = subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    count, _, reason = finished.stdout.strip().partition(" ")
    assert reason.startswith(f"{box.id}: cannot look at the ") and "Permission denied; run as root" in reason
    if switch == "process" and os.stat("/proc/self/fd").st_size:
        assert int(count) == len(os.listdir(f"/proc/{process.pid}/fd"))
