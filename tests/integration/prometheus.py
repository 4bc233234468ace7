"""A real Prometheus of the tests' own: its own port and data, started and stopped by the test."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.integration.agents import free_port
from tests.integration.engines import Missing, wait_until

ALLOWED = os.path.join(os.path.dirname(__file__), "promtool-allowed.txt")


class Prometheus:
    """Scrapes what `jobs` (its scrape_configs) name, every second."""

    def __init__(self, jobs: list[dict[str, Any]]) -> None:
        for binary in ("prometheus", "promtool"):
            if shutil.which(binary) is None:
                raise Missing(f"{binary} is not installed; tests/install-engines installs it")
        self.directory = tempfile.mkdtemp(prefix=f"dwp-{os.getpid()}-", dir="/tmp")
        self.port = free_port()
        configuration = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": jobs,
        }
        with open(f"{self.directory}/prometheus.yml", "w", encoding="utf-8") as file:
            yaml.safe_dump(configuration, file)
        with open(f"{self.directory}/log", "wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self.directory}/prometheus.yml",
                    f"--storage.tsdb.path={self.directory}/data",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
            )
        try:
            wait_until(self._ready, "a ready Prometheus")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop it and remove its data."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self) -> str:
        """What it said."""
        with open(f"{self.directory}/log", encoding="utf-8", errors="replace") as log:
            return log.read()

    def complaints(self) -> list[str]:
        """What it found wrong with what it scraped."""
        return [line for line in self.log().splitlines() if "level=warn" in line or "level=error" in line]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """An instant query's result: `metric` and `value`, or `values` of a range."""
        found: list[dict[str, Any]] = self._get("/api/v1/query", query=expression)["result"]
        return found

    def value(self, expression: str) -> float | None:
        """The only sample of a query; None when it has none."""
        found = self.query(expression)
        assert len(found) <= 1, f"{expression}: {found}"
        return float(found[0]["value"][1]) if found else None

    def values(self, expression: str, label: str) -> dict[str, float]:
        """A query's samples by one label."""
        return {one["metric"].get(label, ""): float(one["value"][1]) for one in self.query(expression)}

    def targets(self) -> list[dict[str, Any]]:
        """What it scrapes now, each with `health` and `lastError`."""
        found: list[dict[str, Any]] = self._get("/api/v1/targets", state="active")["activeTargets"]
        return found

    def types(self, job: str) -> dict[str, str]:
        """Type of every family of a job's targets, as Prometheus understood them."""
        found = self._get("/api/v1/targets/metadata", match_target=f'{{job="{job}"}}')
        return {one["metric"]: one["type"] for one in found}

    def _get(self, path: str, **query: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", f"{path}?{urlencode(query)}")
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert answer["status"] == "success", answer
        return answer["data"]

    def _ready(self) -> bool:
        assert self._process.poll() is None, f"Prometheus ended: {self.log()[-2000:]}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def findings(body: bytes) -> set[str]:
    """What `promtool check metrics` says about an exposition in the text format, beyond what is allowed."""
    if shutil.which("promtool") is None:
        raise Missing("promtool is not installed; tests/install-engines installs it")
    told = subprocess.run(
        ["promtool", "check", "metrics"], input=body, capture_output=True, check=False, timeout=60
    )
    with open(ALLOWED, encoding="utf-8") as file:
        allowed = {line.strip() for line in file if line.strip() and not line.startswith("#")}
    lines = (told.stdout + told.stderr).decode().splitlines()
    return {line.strip() for line in lines if line.strip()} - allowed
