"""An agent of a few lines, for tests of the doors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from agent.conditions import Condition, condition
from agent.config.file import Problem
from agent.config.load import Config, ConfigError, load
from agent.events import EventLog
from agent.logs.service import QueryRefused
from agent.shipping.report import Shipped, SinkReport
from collectors.logs.query import LogQuery
from collectors.logs.record import LogTarget
from collectors.logs.wire import Counted
from collectors.model import Container, LogSource, Role, State
from runtime.linux.errors import Refused
from runtime.supervision.spec import WorkloadSpec

WEB = Container(
    id="/docker/aaaabbbbcccc",
    name="web",
    engine="docker",
    engine_id="aaaabbbbcccc",
    image="nginx:1",
    started_at=1000.0,
    labels={"app": "shop"},
)
DEMO = [
    Container(id=f"/deckwatch/workloads/demo-{n}", name=f"demo-{n}", engine="deckwatch", workload="demo")
    for n in (1, 2)
]
POD = Container(
    id="/kubepods/pod1", name="", engine="kubernetes", role=Role.POD, namespace="shop", pod="web-1"
)
DEAD = Container(id="/docker/dead", name="old", engine="docker", state=State.EXITED, exit_code=3)


class FakeLogs:
    """Answers queries from a list; a line `!reason` makes the query fail there."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.asked: list[LogQuery] = []
        self.cursors: list[str | None] = []
        self.targets = [
            LogTarget(
                id=one.id,
                source=LogSource(path="/x", format="cri"),
                container={"name": one.name, "workload": one.workload, "engine": one.engine},
            )
            for one in (WEB, *DEMO)
        ]
        self.match: Callable[[LogTarget], bool] = lambda target: False
        self.counts: dict[str, Counted] = {}
        self.accounts: dict[str, list[Shipped]] = {}
        self.sinks: list[SinkReport] = []

    def counted(self, id: str) -> Counted | None:
        return self.counts.get(id)

    def shipped(self, id: str) -> list[Shipped]:
        return self.accounts.get(id, [])

    async def query(self, query: LogQuery) -> AsyncIterator[bytes]:
        self.asked.append(query)
        for line in self.lines:
            if line.startswith("!"):
                raise QueryRefused(line[1:], f"the query failed: {line[1:]}")
            yield line.encode()

    async def stream(
        self, query: LogQuery, cursor: str | None = None, *, match: Callable[[LogTarget], bool]
    ) -> AsyncIterator[tuple[str, bytes]]:
        self.asked.append(query)
        self.cursors.append(cursor)
        self.match = match
        for number, line in enumerate(self.lines):
            yield f"c{number}", line.encode()


class FakeSupervisor:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.names = ["demo"]

    def status(self) -> list[Any]:
        import msgspec

        kind = msgspec.defstruct("Status", [("name", str), ("started_at", float, 0.0)])
        return [kind(name) for name in self.names]

    async def apply(
        self, specs: Sequence[WorkloadSpec], *, owner: str, prune: bool = False, dry_run: bool = False
    ) -> list[Any]:
        self.calls.append(("apply", [spec.name for spec in specs], owner, prune, dry_run))
        if any(spec.image for spec in specs):
            raise Refused("image", "images are not in this version", "use rootfs")
        if not dry_run:
            self.names += [spec.name for spec in specs if spec.name not in self.names]
        return []

    def spec(self, name: str) -> WorkloadSpec:
        return WorkloadSpec(name=name, rootfs="host")

    async def settled(self, names: Sequence[str], timeout: float) -> list[Any]:
        self.calls.append(("settled", list(names), timeout))
        return []

    async def start(self, name: str) -> None:
        self.calls.append(("start", name))

    async def stop(self, name: str) -> None:
        self.calls.append(("stop", name))

    async def restart(self, name: str) -> None:
        self.calls.append(("restart", name))

    async def remove(self, name: str, keep_logs: bool) -> None:
        self.calls.append(("remove", name, keep_logs))

    async def scale(self, name: str, replicas: int) -> None:
        self.calls.append(("scale", name, replicas))


class FakeApi:
    """The AgentApi of tests."""

    def __init__(self, path: str, *overrides: str) -> None:
        self.config: Config = load(None, overrides)
        self.events = EventLog(f"{path}/events.db", max_events=100)
        self.logs: Any = FakeLogs()
        self.workloads: Any = FakeSupervisor()
        self.runtime_reason = ""
        self.discovery_reason = ""
        self.list: list[Container] = [*DEMO, WEB]
        self.complete = True
        self.reloads = 0
        self.bad_config = False
        self.scraped: list[tuple[str, bool, list[str]]] = []
        self.body: list[bytes] = [b"a 1\n", b"b 2\n"]

    def containers(self, *, dead: bool = False) -> Sequence[Container]:
        return [*self.list, DEAD] if dead else self.list

    def stats(self, id: str, since: float) -> list[dict[str, Any]]:
        return [{"time": since + 1, "container_cpu_usage_seconds_total": 1.5, "id": id}]

    async def processes(self, id: str) -> list[dict[str, Any]]:
        return [{"pid": 1, "command": id}]

    def scrape(self, accept: str, gzip: bool, collect: Sequence[str]) -> tuple[str, AsyncIterator[bytes]]:
        self.scraped.append((accept, gzip, list(collect)))

        async def body() -> AsyncIterator[bytes]:
            for piece in self.body:
                if piece == b"!":
                    raise RuntimeError("midway")
                yield piece

        return "text/plain; version=0.0.4; charset=utf-8", body()

    def targets(self) -> list[dict[str, Any]] | None:
        return [{"targets": ["127.0.0.1:9100"], "labels": {}}] if self.complete else None

    def conditions(self) -> list[Condition]:
        return [condition("engine_unavailable", engine="docker", reason="<refused>")]

    def ready(self) -> bool:
        return self.complete

    async def reload(self) -> None:
        if self.bad_config:
            raise ConfigError([Problem("f.yaml", 3, "server.x", "unknown key")])
        self.reloads += 1
