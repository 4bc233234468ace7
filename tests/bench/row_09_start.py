"""Row 9: start to exit of /bin/true, against `runc run` and `crun run` on the same bundle, without seccomp.

Twice: once from the request on the zygote's open connection to the event that the exit is recorded, once
with a bare monitor that makes the cgroup, starts the container with the built-in init, waits, removes the
cgroup and leaves. The references do the latter with their own program, without a log or an exit record.
Repeat with `python -m tests.bench.row_09_start` as root.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from runtime.container.cgroups import ContainerCgroup, places_of
from runtime.container.protocol import write_file
from runtime.linux import hierarchies, process
from runtime.supervision import oci
from runtime.supervision.request import Place, write_request
from runtime.supervision.spec import WorkloadSpec, decode
from runtime.supervision.zygote_client import ZygoteClient, version
from tests.bench import table
from tests.bench.table import LeftOut, Result

WHAT = "start to exit of /bin/true, without seccomp"
ROUNDS = 15
PARENT = "/deckwatch-bench"

# Runs in `python -I -S`: argv is the repository, the bundle and the directories of the cgroup's places.
OURS = """
import gc, json, os, sys, time
sys.path.insert(0, sys.argv[1])
from runtime.container.cgroups import ContainerCgroup, Place
from runtime.container.create import create
from runtime.linux.namespaces import clone
bundle, places = sys.argv[2], json.loads(sys.argv[3])
config = json.load(open(bundle + "/config.json"))
null = os.open("/dev/null", os.O_RDWR)
gc.freeze(); gc.disable()
for _ in sys.stdin:
    began = time.perf_counter()
    monitor, pidfd = clone(0)
    if monitor == 0:
        cgroup = ContainerCgroup(config["linux"]["cgroupsPath"], tuple(Place(p[0], tuple(p[1]), *p[2:]) for p in places))
        made = create(
            config, rootfs=bundle + "/rootfs", cgroup=cgroup, resources=config["linux"]["resources"],
            stdin=null, stdout=null, stderr=null,
        )
        code = os.waitstatus_to_exitcode(os.waitpid(made.pid, 0)[1])
        cgroup.remove()
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(monitor, 0)[1])
    os.close(pidfd)
    print(time.perf_counter() - began, code, flush=True)
"""

# The same for a reference: argv is its command line.
REFERENCE = """
import os, sys, time
null = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1)]
for _ in sys.stdin:
    began = time.perf_counter()
    pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=null)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(time.perf_counter() - began, code, flush=True)
"""


def main() -> None:
    """Print the rows."""
    missing = [name for name in ("runc", "crun", "busybox") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        print(LeftOut("9", WHAT, f"needs root and {', '.join(missing) or 'nothing else'}"))
        return
    with tempfile.TemporaryDirectory(prefix="deckwatch-bench-") as bundle:
        _make_bundle(bundle)
        try:
            asyncio.run(_compare(bundle))
        finally:
            ContainerCgroup.open(hierarchies.detect(), PARENT).remove()


async def _compare(bundle: str) -> None:
    """Take turns, so that whatever else the machine does meets all of them."""
    client = ZygoteClient(f"{bundle}/run", PARENT, sys.executable)
    times: dict[str, list[float]] = {}
    with contextlib.ExitStack() as stack:
        workers = {
            "create": stack.enter_context(_ours(bundle)),
            "runc": stack.enter_context(_reference("runc", bundle)),
            "crun": stack.enter_context(_reference("crun", bundle)),
        }
        async with asyncio.TaskGroup() as group:
            keeper = group.create_task(client.run())
            for round_ in range(ROUNDS + 1):
                taken = {name: worker.run() for name, worker in workers.items()}
                taken["all"] = await _through_zygote(client, bundle, round_ + 1)
                for name, seconds in taken.items() if round_ else ():
                    times.setdefault(name, []).append(seconds * 1000)
            await client.leave()
            keeper.cancel()
    _print({name: statistics.median(values) for name, values in times.items()}, _fsync(bundle))


def _fsync(directory: str) -> float:
    """Milliseconds that a new record waits for the disk, in the directory where exit records go."""
    numbers = itertools.count()

    def once() -> float:
        began = time.perf_counter()
        write_file(f"{directory}/record-{next(numbers)}.json", {"padding": "x" * 500}, sync=True)
        return (time.perf_counter() - began) * 1000

    return table.median(once)


def _print(median: dict[str, float], fsync: float) -> None:
    crun, runc = _version("crun"), _version("runc")
    for ours, shape in (
        ("all", f"request to zygote … recorded exit, of which fsync {fsync:.1f} ms"),
        ("create", "monitor, init and cgroup alone"),
    ):
        note = f"{shape}; {runc}: {median['runc']:.1f} ms"
        print(Result("9", WHAT, median[ours], median["crun"], "ms", 1.2, crun, note))
    print(LeftOut("9", "the same with Docker's default seccomp profile", "there is no filter compiler yet"))


async def _through_zygote(client: ZygoteClient, bundle: str, run: int) -> float:
    """Seconds from the request on the open connection to the event that the run's exit is recorded."""
    place = Place(
        run_dir=f"{bundle}/run",
        state_dir=f"{bundle}/state",
        cgroup_parent=PARENT,
        hidden=(),
        host=oci.Host.detect(hierarchies.detect(), rootless=False),
        boot_id=process.boot_id(),
        version=version(),
    )
    write_request(_spec(bundle), "bench-1", run, place)
    began = time.perf_counter()
    events = await client.fork("start", "bench-1")
    with events:
        heard = b""
        while b'"exited"' not in heard:
            async with asyncio.timeout(30):
                heard += await asyncio.get_running_loop().sock_recv(events, 65536)
    return time.perf_counter() - began


class _Worker:
    """A warm process that starts one container for each line it is sent and answers with seconds and code."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self) -> float:
        """Seconds from request to the collected exit."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        seconds, code = self._process.stdout.readline().split()
        if code != "0":
            raise RuntimeError(f"/bin/true ended with {code}")
        return float(seconds)


def _ours(bundle: str) -> _Worker:
    places = json.dumps(places_of(hierarchies.detect(), f"{PARENT}/ours"))
    root = str(pathlib.Path(__file__).parents[2])
    arguments = [root, bundle, places]
    return _Worker([sys.executable, "-I", "-S", "-c", OURS, *arguments])


def _reference(name: str, bundle: str) -> _Worker:
    """A bare interpreter that executes the runtime for each line, by vfork as a shell would."""
    run = [name, "run", "--bundle", bundle, "deckwatch-bench"]
    command = [sys.executable, "-I", "-S", "-c", REFERENCE, *run]
    found = hierarchies.detect()
    if name == "crun" and found.mode == "hybrid" and found.unified is not None:
        # crun refuses a hybrid host unless it cannot see the v2 tree.
        hide = f'umount {found.unified.mountpoint} && exec "$@"'
        command = ["unshare", "-m", "sh", "-c", hide, "sh", *command]
    return _Worker(command)


def _spec(bundle: str) -> WorkloadSpec:
    """The workload: everything at its default but a limit of processes, and without a filter of system calls."""
    command, limits, security = ["/bin/true"], {"pids": 64}, {"seccomp": "unconfined"}
    return decode(
        {
            "name": "bench",
            "rootfs": f"{bundle}/rootfs",
            "command": command,
            "resources": limits,
            "security": security,
        }
    )


def _make_bundle(bundle: str) -> None:
    """A root file system of busybox alone, and the configuration of a default workload."""
    os.makedirs(f"{bundle}/rootfs/bin")
    shutil.copy(str(shutil.which("busybox")), f"{bundle}/rootfs/bin/busybox")
    os.symlink("busybox", f"{bundle}/rootfs/bin/true")
    config: dict[str, Any] = oci.config_for(
        _spec(bundle), "bench-1", cgroup_path=f"{PARENT}/reference", hidden=(), rootless=False, uid=0, gid=0
    )
    config["root"] = {"path": "rootfs", "readonly": False}
    pathlib.Path(f"{bundle}/config.json").write_text(json.dumps(config))


def _version(name: str) -> str:
    text = subprocess.run([name, "--version"], capture_output=True, text=True, check=True).stdout
    return text.splitlines()[0].replace(" version", "")


if __name__ == "__main__":
    main()
