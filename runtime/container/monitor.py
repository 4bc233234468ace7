"""The monitor of one run of a replica: parent of the container, writer of its log, recorder of its end.

It is forked by the zygote and does nothing but this: start (or adopt) the container, move its output to the
log, stop it when told (SIGTERM, or `stop` on its socket), and when it has ended drain the FIFOs, write
the exit record, remove the cgroup and leave. It decides nothing about restarts. Killed at any time, the
container goes on, and a new monitor started with `adopt` takes over from the files alone.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from runtime.container import pipes
from runtime.container.capture import Capture
from runtime.container.cgroups import ContainerCgroup
from runtime.container.control import Control
from runtime.container.create import StartError, create
from runtime.container.exitrecord import Ending, ended_at, ending_of, judge, write_record
from runtime.container.logfile import LogFile
from runtime.container.ownlock import Taken, take_lock
from runtime.container.protocol import PROTOCOL, read_file, write_file
from runtime.linux import prctl, title
from runtime.linux.errors import DeckwatchError, Refused
from runtime.linux.hierarchies import Hierarchies
from runtime.linux.process import boot_id, ended, open_pidfd, start_time

PAUSE = 5
QUIET = 0.2
KILL_AGAIN = 1.0
STUCK = 10.0
LAST_READING = 0.025


class Monitor:
    """One run of one replica; `directory` is the replica's place under the run directory."""

    def __init__(
        self, directory: str, hierarchies: Hierarchies | None, channel: socket.socket | None
    ) -> None:
        self.directory = directory
        self._hierarchies = hierarchies
        asked = read_file(f"{directory}/start.json")
        if asked is None:
            raise DeckwatchError(f"cannot read {directory}/start.json; start the replica again")
        self.asked: dict[str, Any] = asked
        self.run: int = asked["run"]
        self._lock = take_lock(directory)
        self._boot = boot_id()
        self._woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._quiet_poll, self._poll = select.poll(), select.poll()
        for poller in (self._quiet_poll, self._poll):
            poller.register(self._woken, select.POLLIN)
        self._control = Control(f"{directory}/monitor.sock", [self._quiet_poll, self._poll], self._answer)
        if channel is not None:
            self._control.add(channel, watch=True)
        key = {"pid": os.getpid(), "start": start_time(os.getpid()), "boot_id": self._boot}
        write_file(
            f"{directory}/monitor.json", {**key, "protocol": PROTOCOL, "version": asked.get("version", "")}
        )
        self._cgroup: ContainerCgroup | None = None
        self._capture: Capture | None = None
        self._fill = (pipes.Fill(), pipes.Fill())
        self._pid = 0
        self._pidfd: int | None = None
        self._started_at: float | None = None
        self._ended_at: float | None = None
        self._stopping = False
        self._kill_at = float("inf")

    # Beginning

    def start(self) -> None:
        """Start the container; a failure is recorded and told as the end of the run."""
        for name in ("container.json", "status", "reaped", "stopping"):
            _remove(f"{self.directory}/{name}")
        uid, gid = self.asked["uid"], self.asked["gid"]
        outputs = [pipes.make_fifo(f"{self.directory}/{name}", uid, gid) for name in ("stdout", "stderr")]
        self._open_capture()
        try:
            self._create(*outputs)
        except DeckwatchError as error:
            self._end(Ending(), "start_failed", str(error), refused=isinstance(error, Refused))
            return
        finally:
            for descriptor in outputs:
                os.close(descriptor)
        try:
            self._started()
        except BaseException:
            # What cannot be recorded must not go on unrecorded.
            self._kill()
            raise
        self._watch()

    def _create(self, stdout: int, stderr: int) -> None:
        config = read_file(f"{self.directory}/config.json")
        if config is None:
            raise DeckwatchError(f"cannot read {self.directory}/config.json; start the replica again")
        if self.asked["cgroup"] and self._hierarchies is not None:
            self._cgroup = ContainerCgroup.open(self._hierarchies, self.asked["cgroup"])
            if self._cgroup.exists():
                # Its monitor was killed before it could remove it; its counters are another run's.
                self._cgroup.remove()
        stdin = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        status = os.open(
            f"{self.directory}/status", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
        )
        try:
            self._pid, self._pidfd = create(
                config,
                rootfs=self.asked["rootfs"],
                cgroup=self._cgroup,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                status_fd=status,
                resources=config["linux"].get("resources", {}),
            )
        finally:
            os.close(stdin)
            os.close(status)

    def _started(self) -> None:
        self._started_at = time.time()
        container = {
            "run": self.run,
            "pid": self._pid,
            "start": start_time(self._pid),
            "boot_id": self._boot,
            "cgroup": self.asked["cgroup"] or "",
            "started_at": self._started_at,
        }
        write_file(f"{self.directory}/container.json", container)
        self._control.tell({"event": "started", **container})

    def adopt(self) -> None:
        """Take over a run whose monitor is gone, from what it left on disk."""
        if os.path.exists(f"{self.asked['exits_dir']}/{self.run}.json"):
            raise DeckwatchError(f"run {self.run} of {self.directory} has ended and is recorded")
        container = read_file(f"{self.directory}/container.json")
        same_boot = bool(container) and container["boot_id"] == self._boot if container else False
        if not same_boot and self.asked.get("boot_id") != self._boot:
            # Files of another boot may be torn: the log alone is believed.
            for name in ("progress", "stdout.stage", "stderr.stage"):
                _remove(f"{self.directory}/{name}")
        if self.asked["cgroup"] and self._hierarchies is not None:
            self._cgroup = ContainerCgroup.open(self._hierarchies, self.asked["cgroup"])
        for name in ("stdout", "stderr"):
            if not os.path.exists(f"{self.directory}/{name}"):
                os.mkfifo(f"{self.directory}/{name}", 0o600)
        self._open_capture()
        if container is None or not same_boot or container["run"] != self.run:
            self._adopt_lost()
            return
        self._started_at = container["started_at"]
        self._pid = container["pid"]
        self._pidfd = open_pidfd(self._pid, container["start"])
        if self._pidfd is None or ended(self._pidfd):
            self._ended_at = ended_at(self.directory)
        self._resume_stop()
        self._control.tell({"event": "started", **container})
        self._watch()

    def _adopt_lost(self) -> None:
        """A start that was cut short, or a run of another boot: nothing of it may go on unseen."""
        if self._cgroup is None:
            pipes.kill_writers({f"{self.directory}/stdout", f"{self.directory}/stderr"})
        elif self._cgroup.populated():
            self._cgroup.kill()
        self._end(Ending(), "lost", "")

    def _open_capture(self) -> None:
        logs = self.asked["logs"]
        log = LogFile(self.asked["log_dir"], logs["max_size"], logs["max_files"], logs["compress"])
        self._capture = Capture(self.directory, log, block=logs["block"])
        for stream in self._capture.streams:
            self._poll.register(stream.fifo, select.POLLIN)

    # Running

    def _watch(self) -> None:
        """Serve until the container has ended, then record it."""
        assert self._capture is not None
        if self._pidfd is not None:
            for poller in (self._quiet_poll, self._poll):
                poller.register(self._pidfd, select.POLLIN)
            self._loop(self._capture, self._pidfd)
        self._drain(self._capture)
        self._end(ending_of(self.directory, self._pid, self._pidfd), "", "")

    def _loop(self, capture: Capture, pidfd: int) -> None:
        last, tick_at, busy = 0.0, time.monotonic(), False
        while True:
            now = time.monotonic()
            # Output that trickles is gathered for a moment: a wake-up per line would cost more than the line.
            poller = self._quiet_poll if busy else self._poll
            until = min(tick_at, self._kill_at) - now
            timeout = PAUSE if busy else None if until == float("inf") else max(0, until * 1000)
            for descriptor, _ in poller.poll(timeout):
                if descriptor == pidfd:
                    return
                if descriptor == self._woken:
                    os.read(self._woken, 64)
                    self._stop()
                else:
                    self._control.handle(descriptor)
            now = time.monotonic()
            moved, flooded = self._pump(capture)
            if moved:
                last = now
                tick_at = min(tick_at, now + QUIET) if tick_at > now else now + QUIET
            busy = bool(moved) and not flooded
            if now >= tick_at:
                quiet = now - last >= QUIET
                wait = capture.tick(quiet)
                tick_at = now + (wait if quiet else min(wait, QUIET))
                if quiet:
                    for stream in capture.streams:
                        self._fill[stream.number].rest(stream.fifo)
            if now >= self._kill_at:
                self._kill()

    def _pump(self, capture: Capture) -> tuple[bool, bool]:
        """One step of each stream: whether anything moved, and whether a pipe was nearly full."""
        any_moved = flooded = False
        for stream in capture.streams:
            if stream.fifo < 0:
                continue
            moved = capture.pump(stream)
            if moved == 0:
                self._poll.unregister(stream.fifo)
                stream.close_fifo()
            elif moved > 0:
                any_moved = True
                flooded |= self._fill[stream.number].note(stream.fifo, moved)
        if capture.blocked_until:
            any_moved = False
        return any_moved, flooded

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        operation = message.get("op")
        if operation == "stop":
            self._stop()
        elif operation == "kill" and isinstance(message.get("signal"), int):
            self._signal(message["signal"])
        elif operation not in ("state", "watch"):
            return {"error": f"unknown operation {operation}", "protocol": PROTOCOL}
        return {
            "answer": operation,
            "protocol": PROTOCOL,
            "run": self.run,
            "pid": self._pid,
            "started_at": self._started_at,
            "stopping": self._stopping,
            "dropped": self._capture.dropped if self._capture else 0,
            "atomic": all(stream.stage.atomic for stream in self._capture.streams) if self._capture else True,
        }

    # Stopping

    def _stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        timeout = self.asked["stop"]["timeout"]
        write_file(f"{self.directory}/stopping", {"deadline": _boottime() + timeout})
        self._kill_at = time.monotonic() + timeout
        self._signal(self.asked["stop"]["signal"])

    def _resume_stop(self) -> None:
        """A stop that the monitor before had begun goes on with its own deadline."""
        stopping = read_file(f"{self.directory}/stopping")
        if stopping is not None:
            self._stopping = True
            self._kill_at = time.monotonic() + max(0.0, stopping["deadline"] - _boottime())
            self._signal(self.asked["stop"]["signal"])

    def _signal(self, number: int) -> None:
        if self._pidfd is None:
            return
        try:
            signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            pass  # it has just ended by itself

    def _kill(self) -> None:
        self._kill_at = time.monotonic() + KILL_AGAIN
        if self._cgroup is not None:
            self._cgroup.kill()
        else:
            self._signal(signal.SIGKILL)

    # End

    def _drain(self, capture: Capture) -> None:
        """Everything that stands in the FIFOs; all writers are gone (or are none of the container's).

        No more than a pipe can hold: whoever was handed a descriptor out of the container may write for ever.
        """
        give_up = time.monotonic() + STUCK
        for stream in capture.streams:
            left = pipes.most_in(stream.fifo) if stream.fifo >= 0 else 0
            while left > 0 and (moved := capture.pump(stream)):
                left -= max(0, moved)
                if moved < 0 and not capture.blocked_until:
                    break
                if moved < 0 and not self._wait_for_disk(capture, give_up):
                    break

    def _wait_for_disk(self, capture: Capture, give_up: float) -> bool:
        """With policy `block` the end waits a little for room; what finds none stays staged for the next run."""
        if time.monotonic() > give_up:
            return False
        time.sleep(0.1)
        capture.tick()
        return True

    def _end(self, ending: Ending, reason: str, message: str, refused: bool = False) -> None:
        assert self._capture is not None
        self._capture.finish()
        if self._cgroup is not None and self._cgroup.populated():
            self._cgroup.kill()
        final = self._cgroup.final() if self._cgroup is not None else {}
        oom_kills = int(final.get("oom_kills", 0))
        record = {
            "started_at": self._started_at,
            "finished_at": self._ended_at or time.time(),
            "exit_code": ending.exit_code,
            "signal": ending.signal,
            "reason": reason or judge(ending, stopped=self._stopping, oom_kills=oom_kills),
            "message": message,
            "refused": refused,
            "boot_id": self._boot,
            "final": final,
        }
        write_record(self.asked["exits_dir"], self.run, record)
        # Whoever stops a container expects nothing to be left of it; else nobody has to wait for the removal.
        if self._stopping:
            self._remove_cgroup()
        self._control.tell({"event": "exited", "run": self.run})
        if not self._stopping:
            self._remove_cgroup()
        self._control.close()
        self._capture.close()

    def _remove_cgroup(self) -> None:
        """Remove the cgroup, after a moment in which others take their last reading of one that ran."""
        if self._cgroup is None:
            return
        if self._pid:
            time.sleep(LAST_READING)
        self._cgroup.remove()


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def main(directory: str, how: str, hierarchies: Hierarchies | None, channel: socket.socket | None) -> int:
    """Be the monitor of a replica in a process just forked; `how` is `start` or `adopt`. Exit status."""
    name = directory.rsplit("/", 1)[1]
    prctl.set_name(f"dw-{name}")
    title.set_title("deckwatch-monitor", name)
    prctl.set_child_subreaper()
    monitor = Monitor(directory, hierarchies, channel)
    beginning: Callable[[], None] = monitor.start if how == "start" else monitor.adopt
    beginning()
    return 0


__all__ = ["Monitor", "StartError", "Taken", "main"]
