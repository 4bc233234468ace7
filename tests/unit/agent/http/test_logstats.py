"""/api/v1/logs/stats."""

from __future__ import annotations

from agent.shipping.report import Shipped, SinkReport
from collectors.logs.counters import Counters
from collectors.logs.wire import Counted
from tests.unit.agent.http.conftest import Client, Connect
from tests.unit.agent.http.fakes import WEB, FakeApi

SINK = SinkReport("loki", 4, 40, {"rotated_away": 1}, {"again": 2}, 0.5, 3, 1000.0, "503", 7.5, 8)


async def test_what_was_read_shipped_and_given_up(client: Client, api: FakeApi) -> None:
    counters = Counters(
        bytes={"stdout": 50, "stderr": 0},
        lines={"stdout": 5, "stderr": 0},
        messages={"info": 5},
        dropped={"rotated_away": 2, "cut": 1},
    )
    api.logs.counts[WEB.id] = Counted(WEB.id, counters, 1.5)
    api.logs.accounts[WEB.id] = [
        Shipped(WEB.id, "otlp", 5, 50, {}, 0.0),
        Shipped(WEB.id, "loki", 4, 40, {"rule": 1}, 7.5),
    ]
    api.logs.sinks = [SINK]
    stats = await (await client.get("/api/v1/logs/stats?selector={name=web}")).json()
    assert stats["containers"] == [
        {
            "container": {"id": WEB.id, "name": "web", "workload": "", "engine": "docker"},
            "read": {"bytes": {"stdout": 50, "stderr": 0}, "lines": {"stdout": 5, "stderr": 0}},
            "messages": {"info": 5},
            "dropped": [
                {"reason": "cut", "count": 1},
                {"reason": "rotated_away", "count": 2, "size": "unknown"},
            ],
            "lag": 1.5,
            "shipped": [
                {
                    "sink": "loki",
                    "records": 4,
                    "bytes": 40,
                    "dropped": [{"reason": "rule", "count": 1}],
                    "lag": 7.5,
                },
                {"sink": "otlp", "records": 5, "bytes": 50, "dropped": [], "lag": 0.0},
            ],
        }
    ]
    (sink,) = stats["sinks"]
    assert sink["failing_since"] == "1970-01-01T00:16:40.000000Z"
    assert sink["dropped"] == [{"reason": "rotated_away", "count": 1, "size": "unknown"}]
    assert (sink["name"], sink["pending"], sink["why"], sink["spool_bytes"]) == ("loki", 3, "503", 8)


async def test_what_was_not_read_yet_is_left_out(client: Client) -> None:
    stats = await (await client.get("/api/v1/logs/stats?container=demo")).json()
    assert [one["container"]["name"] for one in stats["containers"]] == ["demo-1", "demo-2"]
    assert all(set(one) == {"container", "shipped"} for one in stats["containers"])
    assert stats["sinks"] == []


async def test_wrong_questions_are_told(client: Client, api: FakeApi) -> None:
    assert (await client.get("/api/v1/logs/stats?since=1h")).status == 400
    assert (await client.get("/api/v1/logs/stats?container=nobody")).status == 404
    api.logs = None
    assert (await client.get("/api/v1/logs/stats")).status == 503


async def test_an_open_listener_tells_nobody(connect: Connect) -> None:
    assert (await (await connect("open")).get("/api/v1/logs/stats")).status in (401, 403)
