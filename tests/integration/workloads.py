"""The agent's workloads as their state on disk and the processes around them show them."""

from __future__ import annotations

import gzip
import json
import os
import pathlib
import signal
from collections.abc import Iterator
from typing import Any

from runtime.linux.process import start_time


def script(name: str, text: str, **more: Any) -> dict[str, Any]:
    """A workload that runs a shell script on this host's root file system."""
    return {"name": name, "rootfs": "host", "command": ["/bin/sh", "-c", text], **more}


class Homes:
    """The two homes of workloads: `run` and `state` of one agent."""

    def __init__(self, run: str, state: str) -> None:
        self.run, self.state = pathlib.Path(run), pathlib.Path(state)

    def container(self, replica: str) -> tuple[int, int]:
        """Process id and start time of its init; (0, -1) before there is one."""
        content = self._file(f"replicas/{replica}/container.json")
        return content.get("pid", 0), content.get("start", -1)

    def runs(self, replica: str) -> bool:
        """Whether the process that its file names is there."""
        pid, start = self.container(replica)
        return pid != 0 and start_time(pid) == start

    def kill_monitor(self, replica: str) -> bool:
        """Kill its monitor; whether there was one."""
        monitor = self._file(f"replicas/{replica}/monitor.json")
        if not monitor or start_time(monitor["pid"]) != monitor["start"]:
            return False
        os.kill(monitor["pid"], signal.SIGKILL)
        return True

    def kill_zygote(self) -> None:
        """Kill the process that forks monitors."""
        os.kill(self._file("zygote/zygote.json")["pid"], signal.SIGKILL)

    def log(self, replica: str) -> pathlib.Path:
        """Where its log files lie."""
        return self.state / "workloads" / replica / "log"

    def lines(self, replica: str) -> Iterator[bytes]:
        """Each record of its log as it lies in the files, the oldest first."""
        directory = self.log(replica)
        names = {path.name.removesuffix(".gz") for path in directory.iterdir() if path.suffix != ".tmp"}
        for name in sorted(names, key=lambda name: (name == "current.log", name)):
            try:
                content = (directory / name).read_bytes()
            except FileNotFoundError:
                content = gzip.decompress((directory / f"{name}.gz").read_bytes())
            yield from content.splitlines()

    def numbers(self, replica: str) -> Iterator[int]:
        """The numbers at the head of its lines, each of which must be a whole line of standard output."""
        for line in self.lines(replica):
            _, stream, tag, text = line.split(b" ", 3)
            assert (stream, tag) == (b"stdout", b"F"), line
            yield int(text.split()[0])

    def last_number(self, replica: str) -> int:
        """The newest number on disk; -1 while files are being moved."""
        directory = self.log(replica)
        rotated = sorted(path for path in directory.glob("current.log.*") if path.suffix[1:].isdigit())
        for path in (directory / "current.log", *reversed(rotated)):
            try:
                tail = path.read_bytes()[-400:]
            except FileNotFoundError:
                return -1
            if b"\n" in tail:
                record = tail[: tail.rfind(b"\n")].split(b"\n")[-1]
                return int(record.split()[3])
        return -1

    def _file(self, name: str) -> dict[str, Any]:
        try:
            return dict(json.loads((self.run / name).read_text()))
        except FileNotFoundError:
            return {}
