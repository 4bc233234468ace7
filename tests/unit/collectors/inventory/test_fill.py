"""What one source leaves empty another fills, and never more."""

from __future__ import annotations

from collectors.inventory.base import Facts
from collectors.inventory.fill import filled, with_facts
from collectors.model import Container, Entry, LogSource

LOG = LogSource(path="/var/log/x", format="cri")


def entry(**container: object) -> Entry:
    return Entry(container=Container(id="/x", name="web", engine="containerd", **container))  # type: ignore[arg-type]


def test_only_what_is_empty_is_filled() -> None:
    first = entry(pod="web-1", labels={"a": "1"})
    other = Entry(
        container=Container(
            id="/x", name="other", engine="cgroup", pod="no", image="nginx", labels={"a": "2", "b": "3"}
        ),
        log=LOG,
        pod_uid="u",
        annotations={"k": "v"},
    )
    both = filled(first, other)
    assert both.container.name == "web" and both.container.engine == "containerd"
    assert both.container.pod == "web-1" and both.container.image == "nginx"
    assert both.container.labels == {"a": "1", "b": "3"}
    assert (both.log, both.pod_uid, both.annotations) == (LOG, "u", {"k": "v"})


def test_what_says_nothing_new_changes_nothing() -> None:
    first = entry(image="nginx", labels={"a": "1"})
    assert filled(first, entry(image="httpd", labels={"a": "2"})) is first
    assert with_facts(first, Facts(image="httpd", labels={"a": "2"})) is first


def test_restarts_count_when_they_are_more() -> None:
    assert with_facts(entry(restarts=2), Facts(restarts=5)).container.restarts == 5
    assert with_facts(entry(restarts=7), Facts(restarts=5)).container.restarts == 7


def test_facts_name_the_owner_and_the_pod() -> None:
    told = with_facts(
        entry(), Facts(owner="ReplicaSet/web-5d", pod="web-5d-x", namespace="shop", pod_uid="u")
    )
    assert told.container.owner == "ReplicaSet/web-5d"
    assert (told.container.namespace, told.container.pod, told.pod_uid) == ("shop", "web-5d-x", "u")
