"""The whole agent as a process of its own, with its own state, and what it answers."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

import yaml

from tests.integration.engines import unmount_below, wait_until

DECKWATCH = os.path.join(os.path.dirname(sys.executable), "deckwatch")

SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
ESCAPED = re.compile(r"\\(.)")

Series = tuple[str, frozenset[tuple[str, str]]]


class Scrape(dict[Series, float]):
    """One exposition: values by sample name and labels."""

    def of(self, name: str, /, **labels: str) -> dict[frozenset[tuple[str, str]], float]:
        """Series of a family that have these labels, by all their labels."""
        wanted = set(labels.items())
        return {found: value for (family, found), value in self.items() if family == name and wanted <= found}

    def one(self, name: str, /, **labels: str) -> float | None:
        """The only such series; None when there is none."""
        found = list(self.of(name, **labels).values())
        assert len(found) <= 1, f"{name}{labels}: {len(found)} series"
        return found[0] if found else None

    def sum(self, name: str, /, **labels: str) -> float:
        """All such series added up."""
        return sum(self.of(name, **labels).values())


class Agent:
    """`deckwatch run` with a configuration; `settings` are its keys, over state of the test's own.

    `before` is a command that runs it, `patience` how many seconds it may take until it is ready.
    """

    def __init__(
        self, settings: dict[str, Any], *, before: Sequence[str] = (), patience: float = 30.0
    ) -> None:
        self._before = before
        self._patience = patience
        self.directory = tempfile.mkdtemp(prefix=f"dwa-{os.getpid()}-", dir="/tmp")
        self.port = free_port()
        self.config = f"{self.directory}/deckwatch.yaml"
        base = {
            "server": {
                "listen": [f"127.0.0.1:{self.port}"],
                "socket": f"{self.directory}/run/deckwatch.sock",
            },
            "paths": {"state": f"{self.directory}/state", "run": f"{self.directory}/run"},
        }
        with open(self.config, "w", encoding="utf-8") as file:
            yaml.safe_dump(base | settings, file)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with open(f"{self.directory}/agent.log", "ab") as log:
            self.process = subprocess.Popen(
                [*self._before, DECKWATCH, "run", "-c", self.config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(self._ready, "a ready agent", self._patience)

    def stop(self) -> int:
        """Stop it in order; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise AssertionError(f"the agent does not stop: {self.log()[-2000:]}") from None
        finally:
            self.process = None

    def kill(self) -> None:
        """End it with SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        self.process = None

    def close(self) -> None:
        """End it if it runs, and remove what it wrote."""
        try:
            if self.process is not None:
                self.stop()
        finally:
            unmount_below(self.directory)
            shutil.rmtree(self.directory, ignore_errors=True)

    def log(self) -> str:
        """What it said on its standard streams."""
        with open(f"{self.directory}/agent.log", encoding="utf-8", errors="replace") as log:
            return log.read()

    def get(self, path: str, headers: dict[str, str] | None = None, **query: str) -> tuple[int, bytes]:
        """Status and body of a GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", f"{path}?{urlencode(query)}" if query else path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def json(self, path: str, **query: str) -> Any:
        """A GET's JSON; an assertion for any status but 200."""
        status, body = self.get(path, **query)
        assert status == 200, f"{path}: {status} {body[:500]!r}"
        return json.loads(body)

    def container(self, reference: str) -> dict[str, Any]:
        """One container as `/api/v1/containers/{id}` tells it."""
        found: dict[str, Any] = self.json(f"/api/v1/containers/{quote(reference, safe='')}")
        return found

    def names(self) -> set[str]:
        """Names of the containers that run."""
        return {one["name"] for one in self.json("/api/v1/containers")}

    def logs(self, reference: str, **query: str) -> list[dict[str, Any]]:
        """Records of a container, the oldest first."""
        status, body = self.get(
            f"/api/v1/containers/{quote(reference, safe='')}/logs",
            direction="forward",
            limit="100000",
            **query,
        )
        assert status == 200, f"logs of {reference}: {status} {body[:500]!r}"
        return [json.loads(line) for line in body.splitlines()]

    def scrape(self) -> Scrape:
        """One reading of `/metrics`."""
        status, body = self.get("/metrics")
        assert status == 200, body[:500]
        return parsed(body.decode())

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the agent ended: {self.log()[-2000:]}"
        with contextlib.suppress(OSError):
            return self.get("/-/ready")[0] == 200
        return False


def parsed(text: str) -> Scrape:
    """An exposition in text 0.0.4, sample by sample under its own name: no parser that knows better about names."""
    found = Scrape()
    for line in text.split("\n"):
        if line and not line.startswith("#"):
            sample = SAMPLE.fullmatch(line)
            assert sample is not None, f"no sample: {line!r}"
            name, labels, value = sample.groups()
            pairs = {
                label: ESCAPED.sub(_unescaped, content) for label, content in LABEL.findall(labels or "")
            }
            key = name, frozenset(pairs.items())
            assert key not in found, f"twice in one exposition: {key}"
            found[key] = float(value)
    return found


def _unescaped(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]


def free_port() -> int:
    """A TCP port of the loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
