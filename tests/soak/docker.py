"""Containers of a real engine that come and go: `docker run --rm` of a moment's work, several at a time."""

from __future__ import annotations

import itertools
import threading

from tests.integration.engines import IMAGE, Dockerd

WORK = "echo begins; i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; sleep 0.2; echo ends >&2"


class DockerChurn:
    """As many at a time as `workers`, each as soon as the one before it is gone."""

    def __init__(self, engine: Dockerd, *, workers: int) -> None:
        self._engine = engine
        self._numbers = itertools.count()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(workers)]
        self._made: dict[str, float | None] = {}
        self._failures: list[Exception] = []

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> dict[str, float | None]:
        """Let the last ones end; all by name. Nobody asks the kernel for their CPU."""
        self._ended.set()
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]
        return self._made

    def _work(self) -> None:
        try:
            while not self._ended.is_set():
                name = f"soak-{next(self._numbers):06d}"
                self._made[name] = None
                self._engine.docker("run", "--rm", "--network=none", "--name", name, IMAGE, "sh", "-c", WORK)
        except Exception as error:
            self._failures.append(error)
