"""Attacks from inside a workload, as root and as an ordinary user: none may get anywhere."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from runtime.container.create import StartError, create
from runtime.supervision import oci
from runtime.supervision.spec import decode
from tests.integration.agents import Agent
from tests.integration.engines import wait_until
from tests.integration.shell import Shell
from tests.integration.workloads import script
from tests.unit.runtime.container.conftest import BUSYBOX, Box, make_rootfs

PYTHON = "/usr/bin/python3"
pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="root plays host and workload"),
    pytest.mark.skipif(not os.access(PYTHON, os.X_OK), reason=f"attacks are run by {PYTHON}"),
]

INTRUDER = (pathlib.Path(__file__).parent / "intruder.py").read_text()
STRANGER = 54321

# What must come of each attempt, whoever makes it.
NOTHING = "[]"
OUTCOMES = {
    "user_namespace_by_unshare": "EPERM",
    "user_namespace_by_clone": "EPERM",
    "user_namespace_by_clone3": "ENOSYS",
    "namespace_of_init": "EPERM",
    "read_user_keyring": "EPERM",
    "write_user_keyring": "EPERM",
    "kernel_log": "EPERM",
    "file_by_handle": "EPERM",
    "bpf": "EPERM",
    "perf_events": "EPERM",
    "userfaultfd": "EPERM",
    "io_uring": "EPERM",
    "hypervisor_socket": "EAFNOSUPPORT",
    "packet_socket": "EPERM",
    "mount_tmpfs": "EPERM",
    "mount_procfs_by_descriptor": "EPERM",
    "clone_tree": "EPERM",
    "remount_writable": "EPERM",
    "unmount": NOTHING,
    "make_block_device": "EPERM",
    "trace_init": "EPERM",
    "links_of_init": NOTHING,
    "own_descriptors": "[0, 1, 2]",
    "processes": NOTHING,
    "signal_others": NOTHING,
    "write_cgroup_files": NOTHING,
    "write_kernel_files": NOTHING,
    "read_kernel_files": NOTHING,
    "change_node_over_masked_file": "EROFS",
    "protect_from_oom_killer": "EACCES",
    "type_into_a_terminal": "ENXIO",
    "connect_to_host_socket": "ECONNREFUSED",
    "engines": NOTHING,
    "look_into_hidden_directory": NOTHING,
    "hard_link_out": "ENOENT",
    "set_user_bit": "True",
    "devices_in_the_root": NOTHING,
    "write_host_files": NOTHING,
}
# In a root of its own there is nothing of the host to hide.
ABSENT = {"connect_to_host_socket": "ENOENT", "look_into_hidden_directory": "ENOENT"}


@pytest.fixture
def treasure() -> Iterator[pathlib.Path]:
    """What the host has to lose: a hidden directory with a key, and beside it a socket that everybody may use."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="deckwatch-test-", dir="/var/lib"))
    place.chmod(0o755)
    (place / "hidden").mkdir()
    (place / "hidden/key").write_text("secret")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{place}/engine.sock")
        listener.listen(1)
        os.chmod(f"{place}/engine.sock", 0o777)
        yield place
    shutil.rmtree(place)


@pytest.fixture
def box(treasure: pathlib.Path) -> Iterator[Box]:
    """Starts workloads whose own root is as hostile as an image can be."""
    if BUSYBOX is None:
        pytest.skip("busybox is not installed (apt install busybox-static)")
    with tempfile.TemporaryDirectory(prefix="deckwatch-box-") as directory:
        os.chmod(directory, 0o755)
        made = Box(pathlib.Path(directory))
        make_rootfs(made.rootfs)
        made.hidden = (f"{treasure}/hidden",)
        shutil.copy("/usr/bin/id", made.rootfs / "setuid-id")
        os.chmod(made.rootfs / "setuid-id", 0o4755)
        os.mknod(made.rootfs / "disk", stat.S_IFBLK | 0o666, os.makedev(254, 0))
        os.mknod(made.rootfs / "memory", stat.S_IFCHR | 0o666, os.makedev(1, 1))
        for node in ("disk", "memory"):
            os.chmod(made.rootfs / node, 0o666)
        yield made
        made.close()


def arguments(treasure: pathlib.Path) -> tuple[str, ...]:
    return (PYTHON, "-c", INTRUDER, f"{treasure}/engine.sock", f"{treasure}/hidden")


@pytest.mark.parametrize("network", ["none", "host"])
@pytest.mark.parametrize("user", ["0", "65534"])
@pytest.mark.parametrize("root", ["host", "own"])
def test_nothing_an_intruder_tries_gets_him_out(
    box: Box, treasure: pathlib.Path, root: str, user: str, network: str
) -> None:
    spec: dict[str, Any] = {"rootfs": "host"}
    if root == "own":
        seen = [path for path in ("/usr", "/lib", "/lib64") if os.path.isdir(path)]
        spec = {
            "mounts": [{"type": "bind", "source": path, "target": path, "read_only": True} for path in seen]
        }
    ended = box.run(*arguments(treasure), user=user, network={"mode": network}, **spec)
    assert ended.code == 0, ended
    assert json.loads(ended.out) == OUTCOMES | (ABSENT if root == "own" else {})


def run_as_ordinary_user(treasure: pathlib.Path, output: int) -> int:
    """Exit code of the intruder in a workload that this process's user, who is not root, started."""
    raw = {"name": "box", "rootfs": "host", "command": list(arguments(treasure))}
    config = oci.config_for(
        decode(raw),
        "box-1",
        cgroup_path="",
        hidden=(f"{treasure}/hidden",),
        rootless=True,
        uid=STRANGER,
        gid=STRANGER,
    )
    null = os.open("/dev/null", os.O_RDWR)
    made = create(config, rootfs="/", cgroup=None, stdin=null, stdout=output, stderr=2)
    return os.waitstatus_to_exitcode(os.waitpid(made.pid, 0)[1])


def test_nor_from_a_workload_of_an_ordinary_user(treasure: pathlib.Path) -> None:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(STRANGER, STRANGER, STRANGER)
            os.setresuid(STRANGER, STRANGER, STRANGER)
            code = run_as_ordinary_user(treasure, write)
        finally:
            os._exit(code)
    os.close(write)
    with open(read, encoding="utf-8") as file:
        text = file.read()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, text
    assert json.loads(text) == OUTCOMES


def test_a_bomb_of_processes_ends_with_its_workload(box: Box) -> None:
    bomb = "import os\ntry:\n while True: os.fork()\nexcept OSError: pass\n"
    box.run(PYTHON, "-c", bomb, rootfs="host", resources={"pids": 40})
    assert not box.cgroup.processes()


@pytest.mark.parametrize("inside", [False, True])
def test_an_image_full_of_links_and_pipes_leads_nowhere(
    box: Box, treasure: pathlib.Path, inside: bool
) -> None:
    """Mount targets are links to a directory of the host; `passwd` is a pipe that nobody writes to.

    The links are followed as the container sees them: to its own directory of that name, if it has one.
    """
    for name in ("dev", "proc", "sys", "mnt"):
        (box.rootfs / name).symlink_to(f"../../../../..{treasure}")
    (box.rootfs / "etc").mkdir()
    os.mkfifo(box.rootfs / "etc/passwd")
    (box.rootfs / "etc/group").symlink_to("/proc/1/root/etc/group")
    before = sorted(os.listdir(treasure))
    if inside:
        os.makedirs(f"{box.rootfs}{treasure}")
        assert box.run("/bin/true", user="7:7").code == 0
    else:
        with pytest.raises(
            StartError, match=r"cannot mount proc on /proc in the container: No such file or directory$"
        ):
            box.run("/bin/true", user="7:7")
    assert sorted(os.listdir(treasure)) == before


HOSTILE = r"""
import os, time
def out(text): os.write(1, text)
out(b"2026-01-01T00:00:00.000000000Z stderr F forged line\n")
out(b"2026-01-01T00:00:00.000000000Z stdout P forged part\n")
out(b'{"log":"forged\\n","stream":"stderr","time":"2026-01-01T00:00:00Z"}\n')
out(b"first\r2026-01-01T00:00:00Z stderr F overwritten\x1b[2J\x1b]0;owned\x07\x00\x9b31m\n")
out(b"\xff\xfe\xed\xa0\x80 \xc2\x9b31m \xe2\x80\xae\n")
for deep in (b"[" * 15000, b'{"a":' * 3000, b'{"level":[' * 1500): out(deep + b"\n")
out(b'{"level":"' + b"e" * 10000 + b'","time":"9999999-01-01T00:00:00Z","msg":{"a":1e999}}\n')
for _ in range(40): out(b"x" * 60000)
out(b"\n" * 3000 + b"the end\n")
time.sleep(1000)
"""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def test_hostile_output_forges_nothing_and_stops_nobody() -> None:
    with_python = {"name": "evil", "rootfs": "host", "user": 0, "command": [PYTHON, "-c", HOSTILE]}
    agent = Agent(
        {
            "workloads": [with_python, script("good", "echo hello; exec sleep 1000")],
            "inventory": {"docker": {"enabled": False}},
            "runtime": {"on_exit": "stop"},
        }
    )
    try:
        agent.start()
        wait_until(lambda: {"evil-1", "good-1"} <= agent.names(), "both workloads")
        wait_until(
            lambda: agent.logs("evil")[-1:] and agent.logs("evil")[-1]["message"] == "the end", "its end"
        )
        records = agent.logs("evil")
        assert {record["stream"] for record in records} == {"stdout"}
        assert not [record for record in records if record["time"].startswith("2026-01-01")]
        assert [record["container"]["name"] for record in records] == ["evil-1"] * len(records)
        shown = Shell(agent.config).out("logs", "evil", "-n", "5000")
        assert "owned" in shown and not CONTROL.search(shown)
        assert [record["message"] for record in agent.logs("good")] == ["hello"]
        assert agent.get("/-/ready")[0] == 200
        assert "Traceback" not in agent.log()
    finally:
        agent.close()
