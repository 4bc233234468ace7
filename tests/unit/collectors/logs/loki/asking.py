"""One container with a log, and questions about it, for the tests of Loki's read API."""

from __future__ import annotations

import json
import pathlib
import time
from typing import Any

from collectors.logs.loki.answer import answer
from collectors.logs.loki.evaluator import Evaluator
from collectors.logs.loki.query import LokiQuery
from collectors.logs.record import LogTarget
from collectors.logs.segment import Budget
from collectors.logs.times import SECOND
from collectors.model import LogSource
from tests.unit.collectors.logs.logfile import LogFile


class Asking:
    """`web` and its log; what it printed began an hour ago."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.log = LogFile(directory / "web.log")
        self.log.append(b"")
        self.targets = [self.target("web", self.log.path)]
        self.end = time.time_ns()
        self.start = self.end - 7200 * SECOND

    def target(self, name: str, path: pathlib.Path, **about: Any) -> LogTarget:
        """A container whose log lies at a path."""
        return LogTarget(
            id=f"/{name}",
            source=LogSource(path=str(path), format="cri"),
            container={"id": f"/{name}", "name": name, "engine": "docker", "image": "nginx:1"},
            **about,
        )

    def question(self, kind: Any, query: str = "", **more: Any) -> LokiQuery:
        """A question about the last two hours, unless it says otherwise."""
        words = {"targets": self.targets, "node": "n1", "start": self.start, "end": self.end, **more}
        return LokiQuery(kind=kind, query=query, **words)

    def ask(self, kind: Any, query: str = "", **more: Any) -> Any:
        """The answer to it."""
        question = self.question(kind, query, **more)
        return json.loads(b"".join(answer(question, str(self.directory), Budget(1 << 30))))

    def lines(self, query: str, **more: Any) -> list[str]:
        """The lines of a log query, in the order of the answer's streams."""
        found = self.ask("query_range", query, **{"limit": 5000, "categorize": True, **more})["data"][
            "result"
        ]
        return [line for stream in found for _, line, *_ in stream["values"]]

    def evaluator(self, kind: Any, query: str = "", **more: Any) -> Evaluator:
        """What evaluates a question."""
        return Evaluator(self.question(kind, query, **more), str(self.directory), Budget(1 << 30))
