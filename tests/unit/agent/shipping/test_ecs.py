"""A record as a document of the Elastic Common Schema."""

from __future__ import annotations

import json

from agent.shipping.ecs import Documents, container_fields, dated
from tests.unit.agent.shipping.sinks import TIME, pod_target, record


def test_a_document_and_its_action() -> None:
    documents = Documents(pod_target(), "node-1", {"data.center": "eu"}, "logs-x-default")
    made = record('say "x"\n', level="warn", trace_id="ab" * 16, span_id="cd" * 8, run=2)
    action, source = map(json.loads, documents.lines(made).splitlines())
    assert action == {"create": {"_index": "logs-x-default", "_id": made.uid}}
    assert source == {
        "@timestamp": "2026-11-24T02:16:17.123456789Z",
        "message": 'say "x"\n',
        "event": {"id": made.uid},
        "log": {"level": "warn"},
        "stream": "stdout",
        "trace": {"id": "ab" * 16},
        "span": {"id": "cd" * 8},
        "host": {"name": "node-1"},
        "service": {"name": "webshop"},
        "container": {
            "id": "c1",
            "name": "c1",
            "image": {"name": "registry.example/web:1"},
            "runtime": "containerd",
            "labels": {"app_kubernetes_io/name": "webshop"},
        },
        "kubernetes": {
            "namespace": "shop",
            "node": {"name": "node-1"},
            "pod": {"name": "web-5d4f-x"},
            "container": {"name": "web"},
        },
        "deckwatch": {"id": "/kubepods/pod1/c1", "workload": "web", "run": 2},
        "labels": {"data_center": "eu"},
    }


def test_what_is_not_known_is_left_out_and_much_is_bounded() -> None:
    labels = {f"{number}": "v" * 100_000 for number in range(1000)}
    found = container_fields(pod_target(pod="", image="", workload="", labels=labels), "n", {})
    assert "kubernetes" not in found
    assert "image" not in found["container"]
    assert "labels" not in found
    assert len(found["container"]["labels"]) == 64
    assert max(map(len, found["container"]["labels"].values())) == 8192
    bare = record("x", level=None, run=None)
    source = json.loads(Documents(pod_target(), "n", {}, "i").lines(bare).splitlines()[1])
    assert not {"log", "trace", "span", "labels"} & source.keys()
    assert "run" not in source["deckwatch"]


def test_an_index_is_that_of_the_records_own_day() -> None:
    documents = Documents(pod_target(), "n", {}, "logs-%Y.%m.%d-%H")
    found = [json.loads(documents.lines(record("x", time=time)).splitlines()[0]) for time in (TIME, 0)]
    assert [action["create"]["_index"] for action in found] == ["logs-2026.11.24-02", "logs-1970.01.01-00"]
    assert dated("x-%d", 24) == "x-02"
