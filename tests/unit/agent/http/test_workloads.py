"""/api/v1/workloads."""

from __future__ import annotations

from tests.unit.agent.http.conftest import Client
from tests.unit.agent.http.fakes import FakeApi


async def test_statuses(control: Client) -> None:
    assert await (await control.get("/api/v1/workloads")).json() == [
        {"name": "demo", "started_at": "1970-01-01T00:00:00.000000Z"}
    ]
    body = await (await control.get("/api/v1/workloads/demo")).json()
    assert (body["name"], body["spec"]) == ("demo", {"name": "demo", "rootfs": "host"})
    answer = await control.get("/api/v1/workloads/demmo")
    assert (answer.status, "did you mean demo?" in (await answer.json())["message"]) == (404, True)


async def test_apply_and_wait(control: Client, api: FakeApi) -> None:
    answer = await control.put("/api/v1/workloads/web?wait=5s", json={"name": "web", "rootfs": "host"})
    assert answer.status == 200
    assert [one["name"] for one in (await answer.json())["workloads"]] == ["web"]
    assert api.workloads.calls == [("apply", ["web"], "api", False, False), ("settled", ["web"], 5.0)]
    answer = await control.put("/api/v1/workloads?prune=1&dry_run=1", json=[{"name": "a"}, {"name": "b"}])
    assert await answer.json() == {"changes": [], "workloads": []}
    assert api.workloads.calls[-1] == ("apply", ["a", "b"], "api", True, True)


async def test_what_cannot_be_is_told(control: Client) -> None:
    answer = await control.put("/api/v1/workloads/web", json={"name": "web", "image": "x"})
    body = await answer.json()
    assert (answer.status, body["key"], body["remedy"]) == (422, "image", "use rootfs")
    answer = await control.put("/api/v1/workloads/web", json={"name": "web", "comand": []})
    assert answer.status == 400
    assert "comand" in (await answer.json())["message"]
    assert (await control.put("/api/v1/workloads/web", data=b"{")).status == 400
    assert (await control.put("/api/v1/workloads/web", json={"name": "api"})).status == 400
    answer = await control.post("/api/v1/workloads/demo/rollback")
    assert (answer.status, "not in this version" in (await answer.json())["message"]) == (501, True)


async def test_verbs(control: Client, api: FakeApi) -> None:
    for verb in ("start", "stop", "restart"):
        assert (await control.post(f"/api/v1/workloads/demo/{verb}")).status == 200
    assert (await control.post("/api/v1/workloads/demo/scale", json={"replicas": 3})).status == 200
    assert (await control.post("/api/v1/workloads/demo/scale", json={"replicas": -1})).status == 400
    assert (await control.delete("/api/v1/workloads/demo?keep_logs=1")).status == 200
    assert (await control.post("/api/v1/workloads/nobody/stop")).status == 404
    assert api.workloads.calls == [
        ("start", "demo"),
        ("stop", "demo"),
        ("restart", "demo"),
        ("scale", "demo", 3),
        ("remove", "demo", True),
    ]


async def test_a_runtime_that_is_off_says_why(control: Client, api: FakeApi) -> None:
    api.workloads, api.runtime_reason = None, "no writable cgroup"
    answer = await control.get("/api/v1/workloads")
    assert (answer.status, "no writable cgroup" in (await answer.json())["message"]) == (503, True)


async def test_loopback_has_no_control(client: Client, api: FakeApi) -> None:
    for answer in (
        await client.get("/api/v1/workloads"),
        await client.post("/api/v1/workloads/demo/stop"),
        await client.delete("/api/v1/workloads/demo"),
        await client.post("/-/reload"),
    ):
        assert answer.status == 403
        assert "unix socket" in (await answer.json())["message"]
    assert (api.workloads.calls, api.reloads) == ([], 0)
