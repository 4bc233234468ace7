"""The zygote: a small single-threaded process that forks a monitor for each run of a replica.

Every module is loaded before the first fork and nothing is looked up afterwards. It is the subreaper of
its descendants: when a monitor was killed, its container becomes the zygote's child, whose end it records
in the replica's directory (`reaped`) for the monitor that adopts; and until then it holds a reading end of
the replica's FIFOs, so that last words are not lost with their writer. It outlives the agent while it has
descendants, and leaves when it has neither those nor a client.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

from runtime.container import monitor
from runtime.container.cgroups import ContainerCgroup, monitors_path
from runtime.container.protocol import (
    PROTOCOL,
    REPLICA,
    decode,
    encode,
    read_file,
    receive,
    short_path,
    trusted,
    write_file,
)
from runtime.linux import namespaces, prctl, title
from runtime.linux.errors import DeckwatchError
from runtime.linux.hierarchies import Hierarchies, detect
from runtime.linux.process import boot_id, start_time

FIRST_CLIENT = 30_000
IDLE = 1_000
CLIENTS = 16
FILLING = 400


class Zygote:
    """Serves one run directory. `hierarchies` is None where cgroups cannot be used."""

    def __init__(self, run_dir: str, version: str, hierarchies: Hierarchies | None) -> None:
        self._run_dir = run_dir
        self._version = version
        self._hierarchies = hierarchies
        self._clients: dict[int, socket.socket] = {}
        self._monitors: dict[int, str] = {}
        self._held: dict[str, list[int]] = {}
        self.filling: list[bytes] = []
        self._poll = select.poll()
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._poll.register(self._woken, select.POLLIN)
        self._listener = self._bind(f"{run_dir}/zygote/zygote.sock")
        self._poll.register(self._listener, select.POLLIN)

    def _bind(self, path: str) -> socket.socket:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.setblocking(False)
        # Bound aside and renamed into place: there is never a moment without a socket, nor one half made.
        temporary = f"{path}.{os.getpid()}"
        mask = os.umask(0o177)
        with short_path(temporary) as address:
            listener.bind(address)
        os.umask(mask)
        listener.listen(CLIENTS)
        os.rename(temporary, path)
        key = {"pid": os.getpid(), "start": start_time(os.getpid()), "boot_id": boot_id()}
        write_file(
            f"{os.path.dirname(path)}/zygote.json", {**key, "version": self._version, "protocol": PROTOCOL}
        )
        return listener

    def serve(self) -> None:
        """Serve until there is nothing to do and nobody to do it for."""
        patience = FIRST_CLIENT
        while True:
            children = self._reap()
            ready = self._poll.poll(None if self._clients or children else patience)
            if not ready:
                return
            patience = IDLE
            for descriptor, _ in ready:
                if descriptor == self._woken:
                    os.read(self._woken, 4096)
                elif descriptor == self._listener.fileno():
                    self._accept()
                elif descriptor in self._clients and not self._serve(self._clients[descriptor]):
                    return

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        if len(self._clients) >= CLIENTS or not trusted(client):
            client.close()
            return
        self._clients[client.fileno()] = client
        self._poll.register(client, select.POLLIN)

    def _serve(self, client: socket.socket) -> bool:
        """One request; False when it asked the zygote to leave."""
        try:
            packet, descriptors = receive(client)
        except OSError:
            packet, descriptors = b"", []
        if not packet:
            self._poll.unregister(client)
            del self._clients[client.fileno()]
            client.close()
            return True
        try:
            answer = self._answer(packet, descriptors)
        except (ValueError, DeckwatchError, OSError) as error:
            answer = {"error": str(error)}
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        try:
            client.send(encode(answer), socket.MSG_NOSIGNAL)
        except OSError:
            pass  # the client has gone; the next poll sees its end
        return not answer.get("leaving")

    def _answer(self, packet: bytes, descriptors: Sequence[int]) -> dict[str, Any]:
        request = decode(packet)
        operation = request.get("op")
        if operation == "ping":
            return {"version": self._version, "protocol": PROTOCOL, "pid": os.getpid()}
        if operation == "exit":
            return {"leaving": not self._reap()}
        if operation not in ("start", "adopt"):
            return {"error": f"unknown operation {operation}", "protocol": PROTOCOL}
        name = request.get("replica")
        if not isinstance(name, str) or not REPLICA.fullmatch(name) or len(descriptors) != 1:
            raise DeckwatchError(f"cannot {operation} {name!r}: name a replica and send one socket with it")
        return {"pid": self._fork(operation, f"{self._run_dir}/replicas/{name}", descriptors[0])}

    def _fork(self, how: str, directory: str, channel: int) -> int:
        # Not os.fork: what it renews for threads, which there are none of, makes half a megabyte private.
        pid, pidfd = namespaces.clone(0)
        if pid:
            os.close(pidfd)
            self._monitors[pid] = directory
            return pid
        status = 1
        try:
            status = self._become_monitor(how, directory, channel)
        finally:
            os._exit(status)

    def _become_monitor(self, how: str, directory: str, channel: int) -> int:
        _limit_open_files()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for client in self._clients.values():
            client.close()
        for descriptors in self._held.values():
            for descriptor in descriptors:
                os.close(descriptor)
        self._listener.close()
        os.close(self._woken)
        os.close(self._wake)
        connection = socket.socket(fileno=channel)
        try:
            return monitor.main(directory, how, self._hierarchies, connection.dup())
        except BaseException as error:
            text = str(error) if isinstance(error, DeckwatchError) else f"{type(error).__name__}: {error}"
            connection.setblocking(False)
            connection.send(encode({"event": "failed", "message": text}), socket.MSG_NOSIGNAL)
            return 1

    def _reap(self) -> bool:
        """Collect the dead; whether any child is left."""
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return False
            if found is None:
                return True
            directory = self._monitors.pop(found.si_pid, None)
            if directory is None:
                self._record(found.si_pid)
            else:
                self._keep_fifos(directory, orphaned=found.si_code != os.CLD_EXITED)
            os.waitpid(found.si_pid, 0)

    def _keep_fifos(self, directory: str, *, orphaned: bool) -> None:
        """Hold the FIFOs of a replica whose monitor was killed; let go when one has ended by itself."""
        if not orphaned:
            for descriptor in self._held.pop(directory, ()):
                os.close(descriptor)
        elif directory not in self._held:
            self._held[directory] = [
                os.open(f"{directory}/{name}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                for name in ("stdout", "stderr")
                if os.path.exists(f"{directory}/{name}")
            ]

    def _record(self, pid: int) -> None:
        """Leave the end of an orphaned container where its next monitor looks for it."""
        start = start_time(pid)
        _, status = 0, _status_of(pid)
        replicas = f"{self._run_dir}/replicas"
        for name in os.listdir(replicas) if os.path.isdir(replicas) else ():
            container = read_file(f"{replicas}/{name}/container.json")
            if container is not None and (container["pid"], container["start"]) == (pid, start):
                write_file(f"{replicas}/{name}/reaped", {"pid": pid, "start": start, "status": status})


def _status_of(pid: int) -> int:
    """Wait status of a child that has ended, without reaping it."""
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    assert found is not None
    if found.si_code == os.CLD_EXITED:
        return found.si_status << 8
    return found.si_status


def fill_pools() -> list[bytes]:
    """Small objects that fill the half-empty pools of the allocator, to be kept.

    What a monitor allocates then lies together in fresh pages, instead of making pages private that it
    shares with everyone.
    """
    header = sys.getsizeof(b"")
    return [bytes(size - header) for size in range(48, 513, 16) for _ in range(FILLING)]


def _enter_cgroup(hierarchies: Hierarchies, parent: str, run_dir: str) -> None:
    ContainerCgroup.create(hierarchies, monitors_path(parent, run_dir), {}).join()
    # Made before there are two monitors that would make it at once: a v1 cpuset is unusable until it is filled.
    ContainerCgroup.create(hierarchies, f"{parent}/workloads", {})


def _limit_open_files() -> None:
    """Give workloads the customary soft limit, which select(2) can count to; the agent has raised its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))


def main(arguments: Sequence[str]) -> None:
    """Entry point: RUN_DIR CGROUP_PARENT (empty: none) VERSION READY_DESCRIPTOR."""
    run_dir, cgroup_parent, version, descriptor = arguments
    ready = int(descriptor)
    os.set_inheritable(ready, False)
    try:
        prctl.set_name("dw-zygote")
        title.find()
        title.set_title("deckwatch-zygote", run_dir)
        prctl.set_child_subreaper()
        hierarchies = detect() if cgroup_parent else None
        if hierarchies is not None:
            _enter_cgroup(hierarchies, cgroup_parent, run_dir)
        if os.geteuid() == 0:
            prctl.set_dumpable(False)
        zygote = Zygote(run_dir, version, hierarchies)
    except BaseException as error:
        os.write(ready, f"{error}".encode())
        os._exit(1)
    json.dumps({"warm": json.loads("[1.5]")})
    sys.path.clear()
    gc.collect()
    zygote.filling = fill_pools()
    gc.freeze()
    gc.disable()
    os.write(ready, b"ready")
    os.close(ready)
    zygote.serve()
    os._exit(0)
