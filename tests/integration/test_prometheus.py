"""A real Prometheus finds, scrapes and forgets containers as the contract says."""

from __future__ import annotations

import asyncio
import functools
import shutil
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from agent.discovery import Discovery
from agent.exposition.finals import Finals
from agent.exposition.labels import base_labels, info_labels
from agent.exposition.negotiation import TEXT
from agent.exposition.scrape import Scraper, Sections
from agent.exposition.selfmetrics import SelfMetrics
from agent.lifecycle.counters import Key, LifecycleCounters
from collectors.metrics import catalogue
from collectors.metrics.rows import Reading, Row, Value
from collectors.model import Container, Entry, Network, Reason, State
from tests.integration.agents import Agent
from tests.integration.engines import Dockerd
from tests.integration.prometheus import Prometheus, findings

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(
        shutil.which("prometheus") is None or shutil.which("promtool") is None,
        reason="prometheus and promtool are not installed; tests/install-engines installs them",
    ),
]

KEEP_FINAL = 5.0
KEEP_DEAD = 9.0
# Scrapes come every second, and a busy machine is late.
LATE = 3.0
HOSTILE = 'quo"te\\back\nline é ' + "x" * 2000


class World:
    """A host whose containers the test makes and ends, behind the agent's own scrape and discovery."""

    def __init__(self, directory: str) -> None:
        self.entries: dict[str, Entry] = {}
        self.dead: dict[str, float] = {}
        self.counters = LifecycleCounters(f"{directory}/lifecycle.sqlite")
        self.finals = Finals(KEEP_FINAL)
        self.own = SelfMetrics()
        self.discovery = Discovery(node="here")
        self.scraper = Scraper(
            sampler=self,
            finals=self.finals,
            registry=self.own.registry,
            sections=self.sections,
            observe=self.own.observe,
            dropped=self.own.series_dropped,
        )

    async def read(self) -> Reading:
        """All living containers, now."""
        now = time.time()
        return Reading(now, [self.row(entry, now) for entry in self.entries.values()], {"cpu": 0.001})

    def row(self, entry: Entry, now: float) -> Row:
        """A reading in which every family has a value."""
        values: list[Value] = [_value(family, now) for family in catalogue.ROW]
        return Row(entry.container.id, base_labels(entry), values, now)

    def sections(self) -> Sections:
        """Lifecycle of living and dead, and container_info."""
        now = time.time()
        for name in [name for name, since in self.dead.items() if now - since >= KEEP_DEAD]:
            del self.dead[name]
            self.counters.forget(Key("", "", "", name))
        info = [(info_labels(entry, ["team"]), 1) for entry in self.entries.values()]
        return [*self.counters.sections(), (catalogue.INFO, info)]

    def start(self, name: str, **labels: str) -> None:
        """A container appears."""
        container = Container(
            id=f"/docker/{name}", name=name, engine="docker", engine_id=name, image=HOSTILE, labels=labels
        )
        self.entries[name] = Entry(container=container, network=Network.HOST)
        key = Key("", "", "", name)
        self.counters.touch(key)
        self.counters.set_state(key, State.RUNNING)
        self.discovery.observe(self.entries.values(), time.time())

    def end(self, name: str) -> None:
        """A container fails: its final reading is taken, its cgroup is gone."""
        entry, now = self.entries.pop(name), time.time()
        self.finals.add(self.row(entry, now))
        self.counters.exited(Key("", "", "", name), Reason.ERROR, 3)
        self.counters.set_state(Key("", "", "", name), State.EXITED)
        self.dead[name] = now
        self.discovery.observe(self.entries.values(), now)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """`/metrics`; under `/text` in the text format whatever the scraper prefers."""
        accept = TEXT if request.path.startswith("/text") else request.headers["Accept"]
        content_type, pieces = self.scraper.scrape(accept, True, request.query.getall("collect[]", []))
        response = web.StreamResponse(headers={"Content-Type": content_type, "Content-Encoding": "gzip"})
        await response.prepare(request)
        async for piece in pieces:
            await response.write(piece)
        return response

    async def targets(self, _: web.Request) -> web.Response:
        """`/sd/targets`."""
        return web.json_response(self.discovery.targets())


def _value(family: catalogue.Family, now: float) -> Value:
    number = now if family.unit == "seconds" else int(now)
    return (("".join(f',{name}="x"' for name in family.labels), number),) if family.labels else number


async def application(_: web.Request) -> web.Response:
    """What a container that asks to be scraped answers."""
    return web.Response(text="application_up 1\n")


@pytest.fixture
async def world(tmp_path: Any) -> AsyncIterator[tuple[World, int]]:
    """A world and the port it is served on."""
    made = World(str(tmp_path))
    app = web.Application()
    app.router.add_get("/metrics", made.metrics)
    app.router.add_get("/text/metrics", made.metrics)
    app.router.add_get("/sd/targets", made.targets)
    app.router.add_get("/application", application)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield made, runner.addresses[0][1]
    await runner.cleanup()
    made.counters.close()


def jobs(port: int) -> list[dict[str, Any]]:
    """What an operator writes: the agent in both formats, and what it discovers."""
    return [
        {"job_name": "openmetrics", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]},
        {
            "job_name": "text",
            "metrics_path": "/text/metrics",
            "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
        },
        {
            "job_name": "discovered",
            "http_sd_configs": [{"url": f"http://127.0.0.1:{port}/sd/targets", "refresh_interval": "1s"}],
            "relabel_configs": [
                {"source_labels": ["__meta_deckwatch_name"], "target_label": "name"},
                {"source_labels": ["__meta_deckwatch_label_team"], "target_label": "team"},
            ],
        },
    ]


async def until(condition: Callable[[], object], what: str, limit: float = 20.0) -> None:
    """Wait for a condition that asks Prometheus, without holding the server it scrapes."""
    deadline = time.monotonic() + limit
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, f"{what} did not come within {limit:g} s"
        await asyncio.sleep(0.05)


@pytest.fixture
async def prometheus(world: tuple[World, int]) -> AsyncIterator[Prometheus]:
    """A Prometheus that scrapes the world."""
    started = await asyncio.to_thread(Prometheus, jobs(world[1]))
    yield started
    await asyncio.to_thread(started.close)


async def test_both_formats_are_taken_without_a_complaint(
    world: tuple[World, int], prometheus: Prometheus
) -> None:
    made, _ = world
    made.start("web", team="a")
    made.start("db")

    def everything() -> bool:
        found = prometheus.query('count by (job) ({name=~"web|db",__name__=~"container_.+"})')
        counts = {one["metric"]["job"]: float(one["value"][1]) for one in found}
        return set(counts) == {"openmetrics", "text"} and len(set(counts.values())) == 1

    await until(everything, "the same series in both formats")

    def checked() -> None:
        names = set(prometheus.values('{job="openmetrics",name="web"}', "__name__"))
        families = (*catalogue.ROW, *catalogue.LIFECYCLE, catalogue.INFO)
        assert names == {family.name for family in families} - {catalogue.LAST_EXIT_CODE.name}
        (info,) = prometheus.query('container_info{job="text",name="web"}')
        assert info["metric"]["container_label_team"] == "a"
        assert info["metric"]["image"].startswith('quo"te\\back\nline é xxx')
        assert len(info["metric"]["image"]) == 1024
        assert {one["health"] for one in prometheus.targets()} == {"up"}
        assert {one["lastError"] for one in prometheus.targets()} == {""}
        assert prometheus.complaints() == []
        text, openmetrics = (prometheus.types(job) for job in ("text", "openmetrics"))
        assert (
            text["container_cpu_usage_seconds_total"]
            == openmetrics["container_cpu_usage_seconds"]
            == "counter"
        )
        assert text["container_memory_usage_bytes"] == openmetrics["container_memory_usage_bytes"] == "gauge"
        assert (text["container_memory_failcnt"], openmetrics["container_memory_failcnt"]) == (
            "counter",
            "unknown",
        )
        assert (text["container_info"], openmetrics["container"]) == ("gauge", "info")

    await asyncio.to_thread(checked)


async def test_the_dead_leave_in_the_order_of_the_contract(
    world: tuple[World, int], prometheus: Prometheus
) -> None:
    made, _ = world
    made.start("web")
    made.start("batch")
    gauge = 'container_memory_usage_bytes{name="batch"}'
    counter = 'container_cpu_usage_seconds_total{name="batch",cpu!=""}'
    exits = 'container_exits_total{name="batch",reason="error"}'
    await until(
        lambda: len(prometheus.query(gauge)) == len(prometheus.query(counter)) == 2, "the first scrapes"
    )
    ended = time.time()
    made.end("batch")
    final = made.finals.rows(ended)[0].values[catalogue.INDEX[catalogue.CPU_USER]]

    await until(lambda: prometheus.query(gauge) == [], "the end of the gauges")
    gone = time.time()
    assert gone - ended < LATE, "gauges of use end at the next scrape"

    def while_kept() -> None:
        # No sample of the gauge is younger than the container's end, although those before would still be
        # shown for five minutes: so staleness, not age, hid them.
        for series in prometheus.query(f"{gauge}[1m]"):
            assert max(at for at, _ in series["values"]) <= ended + 0.1
        user = prometheus.values('container_cpu_user_seconds_total{name="batch"}', "job")
        assert user == {"openmetrics": final, "text": final}

    await asyncio.to_thread(while_kept)
    await until(lambda: prometheus.query(counter) == [], "the end of the counters")
    assert KEEP_FINAL - 0.5 <= time.time() - ended < KEEP_FINAL + LATE

    def after_the_final_counts() -> None:
        for series in prometheus.query(f"{counter}[1m]"):
            assert max(at for at, _ in series["values"]) >= ended + KEEP_FINAL - LATE
        assert prometheus.values(exits, "job") == {"openmetrics": 1, "text": 1}
        assert prometheus.values('container_state{name="batch",state="exited",job="text"}', "name") == {
            "batch": 1
        }
        assert prometheus.values('container_last_exit_code{name="batch",job="text"}', "name") == {"batch": 3}
        assert min(prometheus.values(f"increase({exits}[1m])", "job").values()) > 0

    await asyncio.to_thread(after_the_final_counts)
    await until(lambda: prometheus.query(exits) == [], "the end of the lifecycle series")
    assert KEEP_DEAD - 0.5 <= time.time() - ended < KEEP_DEAD + LATE
    assert await asyncio.to_thread(prometheus.query, 'container_memory_usage_bytes{name="web"}')
    assert await asyncio.to_thread(prometheus.complaints) == []


async def test_containers_that_ask_are_found_and_let_go(
    world: tuple[World, int], prometheus: Prometheus
) -> None:
    made, port = world
    asks = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(port),
        "prometheus.io/path": "/application",
    }
    made.start("silent")
    made.start("asking", team="a", **asks)

    def found() -> set[tuple[str, str]]:
        return {
            (one["metric"]["name"], one["metric"]["team"])
            for one in prometheus.query('application_up{job="discovered"} == 1')
        }

    await until(lambda: found() == {("asking", "a")}, "the container that asks")
    made.end("asking")
    await until(lambda: prometheus.query('up{job="discovered"}') == [], "the end of its target")


async def test_promtool_finds_only_what_is_listed(world: tuple[World, int]) -> None:
    made, _ = world
    made.start("web", team="a")
    made.start("batch")
    made.end("batch")
    _, pieces = made.scraper.scrape(TEXT, False, [])
    body = b"".join([piece async for piece in pieces])
    assert b"container_memory_failcnt{" in body
    assert findings(body) == set()
    assert findings(body + b"# TYPE bad_total gauge\nbad_total 1\n"), "promtool finds what is wrong"


async def text_of(agent: Agent, _: web.Request) -> web.Response:
    """The agent's answer to a scraper that knows the text format alone."""
    status, body = await asyncio.to_thread(agent.get, "/metrics", {"Accept": TEXT})
    return web.Response(status=status, body=body, headers={"Content-Type": TEXT})


@pytest.fixture
async def watched(dockerd: Dockerd) -> AsyncIterator[tuple[Agent, Prometheus]]:
    """The whole agent over a Docker engine, scraped in both formats by a Prometheus."""
    agent = Agent(
        {
            "inventory": {"docker": {"socket": dockerd.socket}},
            "metrics": {"keep_final": KEEP_FINAL, "keep_dead": KEEP_DEAD, "container_labels": ["team"]},
            "runtime": {"enabled": False},
            "logs": {"enabled": False},
        }
    )
    app = web.Application()
    app.router.add_get("/text/metrics", functools.partial(text_of, agent))
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    started: Prometheus | None = None
    try:
        await asyncio.to_thread(agent.start)
        configured = jobs(agent.port)
        configured[1]["static_configs"] = [{"targets": [f"127.0.0.1:{runner.addresses[0][1]}"]}]
        started = await asyncio.to_thread(Prometheus, configured)
        yield agent, started
    finally:
        if started is not None:
            await asyncio.to_thread(started.close)
        await asyncio.to_thread(agent.close)
        await runner.cleanup()


SERVE = "echo application_up 1 > /tmp/metrics; exec busybox httpd -f -p 8080 -h /tmp"
FAIL_WHEN_TOLD = "while [ ! -e /tmp/fail ]; do sleep 0.05; done; exit 3"


@pytest.mark.root
@pytest.mark.docker
async def test_the_whole_agent_with_real_containers(
    dockerd: Dockerd, watched: tuple[Agent, Prometheus]
) -> None:
    agent, prometheus = watched
    asks = ("--label", "prometheus.io/scrape=true", "--label", "prometheus.io/port=8080")
    run = functools.partial(asyncio.to_thread, dockerd.run)
    await run("--name", "web", "--label", "team=a", *asks, "--", "/bin/sh", "-c", SERVE)
    await run("--name", "batch", "--memory", "32m", "--", "/bin/sh", "-c", FAIL_WHEN_TOLD)

    gauge = 'container_memory_usage_bytes{name="batch"}'
    counter = 'container_cpu_usage_seconds_total{name="batch"}'
    exits = 'container_exits_total{name="batch",reason="error"}'
    both = {"openmetrics", "text"}
    await until(lambda: set(prometheus.values(gauge, "job")) == both, "the first scrapes in both formats")
    await until(
        lambda: prometheus.values('application_up{job="discovered"}', "name") == {"web": 1},
        "the container that asks",
    )
    assert await asyncio.to_thread(prometheus.values, exits, "job") == {"openmetrics": 0, "text": 0}
    assert await asyncio.to_thread(prometheus.values, 'up{job="discovered",team="a"}', "name") == {"web": 1}

    await asyncio.to_thread(dockerd.docker, "exec", "batch", "/bin/sh", "-c", ": > /tmp/fail")
    await asyncio.to_thread(dockerd.docker, "wait", "batch")
    ended = time.time()
    await asyncio.to_thread(dockerd.docker, "rm", "batch")
    removed = time.time()
    await until(lambda: prometheus.query(gauge) == [], "the end of the gauges")
    assert time.time() - ended < LATE, "gauges of use end at the next scrape"
    assert set(await asyncio.to_thread(prometheus.values, counter, "job")) == both, "counters stay a while"

    await until(lambda: prometheus.query(counter) == [], "the end of the counters")
    assert KEEP_FINAL - 1.5 <= time.time() - ended < KEEP_FINAL + LATE

    def while_lifecycle_is_kept() -> None:
        # Older samples would still be shown for five minutes: it was a staleness marker that ended them.
        for expression, kept in ((gauge, 0.0), (counter, KEEP_FINAL)):
            for series in prometheus.query(f"{expression}[1m]"):
                last = max(at for at, _ in series["values"])
                assert ended + kept - LATE <= last <= ended + kept + 1.5, expression
        assert prometheus.values(exits, "job") == {"openmetrics": 1, "text": 1}
        assert prometheus.values('container_last_exit_code{name="batch"}', "job") == {
            "openmetrics": 3,
            "text": 3,
        }
        assert min(prometheus.values(f"increase({exits}[1m])", "job").values()) > 0

    await asyncio.to_thread(while_lifecycle_is_kept)
    await until(lambda: prometheus.query(exits) == [], "the end of the lifecycle series", 30)
    # The agent lets go of the dead every five seconds.
    assert KEEP_DEAD - 0.5 <= time.time() - removed < KEEP_DEAD + 5 + LATE
    assert await asyncio.to_thread(prometheus.query, 'container_memory_usage_bytes{name="web"}')

    def nothing_is_wrong() -> None:
        for target in prometheus.targets():
            assert (target["health"], target["lastError"]) == ("up", ""), target
        assert prometheus.complaints() == []
        for job in both:
            assert prometheus.value(f'min_over_time(up{{job="{job}"}}[1m])') == 1
        status, body = agent.get("/metrics", {"Accept": TEXT})
        assert status == 200
        assert findings(body) == set()

    await asyncio.to_thread(nothing_is_wrong)
