"""The labels of a stream are few, bounded, and the same wherever they are asked for."""

from __future__ import annotations

import os
from typing import Any

from collectors.logs.loki_labels import (
    MAX_LABELS,
    MAX_VALUE,
    cut,
    label_name,
    service_name,
    stream_labels,
    stream_metadata,
)
from collectors.logs.record import LogTarget
from collectors.model import LogSource


def target(**about: Any) -> LogTarget:
    return LogTarget(id="/x", source=LogSource(path="/x.log", format="cri"), container=about)


def test_outside_kubernetes_the_name_is_a_label() -> None:
    found = stream_labels(target(id="/x", name="web-1", engine="docker", image="web:1"), "stderr", "n", {})
    assert found == {
        "node": "n",
        "engine": "docker",
        "service_name": "web-1",
        "stream": "stderr",
        "name": "web-1",
    }


def test_in_kubernetes_the_pod_is_metadata_and_the_name_is_nothing() -> None:
    pod = target(
        id="/x", name="c1", engine="containerd", namespace="shop", pod="web-1", container="web", image="i"
    )
    found = stream_labels(pod, "stdout", "n", {})
    assert "name" not in found
    assert "pod" not in found
    assert (found["namespace"], found["container"]) == ("shop", "web")
    assert stream_metadata(pod) == {"pod": "web-1", "id": "/x", "image": "i"}


def test_the_service_is_named_by_label_workload_or_container() -> None:
    labels = {"app.kubernetes.io/name": "a", "com.docker.compose.service": "b"}
    about: dict[str, Any] = {"name": "e", "container": "d", "workload": "c", "labels": labels}
    found = []
    for member in ("app.kubernetes.io/name", "com.docker.compose.service"):
        found.append(service_name(about))
        del labels[member]
    for member in ("workload", "container", "name"):
        found.append(service_name(about))
        del about[member]
    assert [*found, service_name(about)] == ["a", "b", "c", "d", "e", "unknown_service"]


def test_external_labels_never_take_the_place_of_own_ones() -> None:
    external = {"stream": "x", "name": "x", "node": "x", "data center": "eu", "empty": ""}
    found = stream_labels(target(name="web", pod="p"), "stdout", "n", external)
    assert found == {"node": "n", "service_name": "web", "stream": "stdout", "data_center": "eu"}


def test_there_are_never_more_labels_than_loki_takes() -> None:
    many = {f"l{number:02}": "v" for number in range(40)}
    found = stream_labels(target(name="web", engine="docker"), "stdout", "n", many)
    assert len(found) == MAX_LABELS
    assert found["name"] == "web"


def test_values_are_cut_between_characters() -> None:
    found = stream_labels(target(name="é" * 2000), "stdout", "n", {})
    assert found["name"] == "é" * (MAX_VALUE // 2)
    assert [cut("a" + "é" * 5, 4), cut("abcdef", 4), cut(7, 4)] == ["aé", "abcd", "7"]


def test_a_name_that_is_no_text_can_be_sent() -> None:
    name = os.fsdecode(b"web-\xff")
    assert stream_labels(target(name=name), "stdout", "n", {})["name"] == "web-?"
    assert stream_metadata(target(id=name)) == {"id": "web-?"}


def test_names_of_labels_are_made_legal() -> None:
    assert [label_name(text) for text in ("a.b/c", "1x", "", "ü")] == ["a_b_c", "_1x", "_", "_"]
