"""One scrape: living and dead beside each other, in pieces, in both formats."""

from __future__ import annotations

import gzip

from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from agent.exposition.finals import Finals
from agent.exposition.scrape import COLLECTORS, Scraper
from collectors.metrics import catalogue
from collectors.metrics.rows import Reading, Row, Value


def row(id: str, cpu: float, *, time: float = 100.0, final: bool = False) -> Row:
    values: list[Value] = [None] * len(catalogue.ROW)
    values[catalogue.INDEX[catalogue.CPU_USAGE]] = ((',cpu="total"', cpu),)
    values[catalogue.INDEX[catalogue.MEMORY_USAGE]] = 4096
    return Row(id, f'id="{id}",name="",image=""', values, time, final)


class Host:
    async def read(self) -> Reading:
        return Reading(time=100.0, rows=[row("/a", 1.5)])


def scraper(**more: object) -> tuple[Scraper, list[Reading]]:
    finals, observed = Finals(120.0), []
    finals.add(row("/dead", 7.25, final=True))
    made = Scraper(
        sampler=Host(), finals=finals, registry=CollectorRegistry(), observe=observed.append, dropped=lambda count: None,
        sections=lambda: [(catalogue.OOM_KILLS, [('name="a"', 0)])], clock=lambda: 101.0, **more,
    )  # fmt: skip
    return made, observed


async def body(made: Scraper, accept: str = "", zipped: bool = False, collect: tuple[str, ...] = ()) -> str:
    _, pieces = made.scrape(accept, zipped, collect)
    raw = b"".join([piece async for piece in pieces])
    return (gzip.decompress(raw) if zipped else raw).decode()


async def test_the_dead_keep_their_counters_and_lose_their_gauges() -> None:
    made, observed = scraper()
    text = await body(made)
    assert 'container_cpu_usage_seconds_total{id="/a",name="",image="",cpu="total"} 1.5' in text
    assert 'container_cpu_usage_seconds_total{id="/dead",name="",image="",cpu="total"} 7.25' in text
    assert (
        'container_memory_usage_bytes{id="/a"' in text
        and 'container_memory_usage_bytes{id="/dead"' not in text
    )
    assert 'container_oom_kills_total{name="a"} 0' in text
    assert len(observed) == 1


async def test_openmetrics_and_gzip_say_the_same() -> None:
    made, _ = scraper()
    accept = "application/openmetrics-text; version=1.0.0"
    content_type, _ = made.scrape(accept, False, ())
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    text = await body(made, accept, zipped=True)
    assert text == await body(made, accept) and text.endswith("# EOF\n")
    families = {family.name for family in text_string_to_metric_families(text)}
    assert {"container_cpu_usage_seconds", "container_oom_kills"} <= families


async def test_collect_and_drop_choose_families() -> None:
    made, _ = scraper()
    text = await body(made, collect=("memory",))
    assert "container_memory_usage_bytes" in text and "container_cpu" not in text
    made, _ = scraper(drop=["container_memory_*"])
    assert "container_memory" not in await body(made)


def test_the_names_that_can_be_asked_for_are_the_catalogues() -> None:
    assert {"cpu", "memory", "lifecycle", "logs"} <= COLLECTORS
