"""A container in the words of OpenTelemetry."""

from __future__ import annotations

from agent.shipping.otlp_names import resource, trace_of
from tests.unit.agent.shipping.sinks import pod_target


def test_a_container_of_a_pod() -> None:
    assert resource(pod_target(), "node-1", {"cluster": "blue", "host.name": "x"}) == {
        "cluster": "blue",
        "service.name": "webshop",
        "host.name": "node-1",
        "container.id": "c1",
        "container.name": "c1",
        "container.image.name": "registry.example/web:1",
        "container.runtime.name": "containerd",
        "k8s.node.name": "node-1",
        "k8s.namespace.name": "shop",
        "k8s.pod.name": "web-5d4f-x",
        "k8s.container.name": "web",
        "k8s.pod.label.app.kubernetes.io/name": "webshop",
        "deckwatch.id": "/kubepods/pod1/c1",
        "deckwatch.workload": "web",
    }


def test_outside_kubernetes_nothing_is_said_of_it() -> None:
    labels = {f"l{number}": "v" for number in range(1000)}
    found = resource(pod_target(pod="", container="", namespace="moby", labels=labels), "n", {})
    assert not [name for name in found if name.startswith("k8s.")]
    assert len([name for name in found if name.startswith("container.label.")]) == 64


def test_a_trace_of_64_bits_is_filled_up() -> None:
    assert [trace_of(text) for text in (None, "ab" * 8, "cd" * 16)] == ["", "0" * 16 + "ab" * 8, "cd" * 16]
