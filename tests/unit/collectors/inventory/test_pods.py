"""Who knows a pod."""

from __future__ import annotations

from collectors.inventory.pods import Pod, Pods

WEB = Pod(uid="u1", namespace="shop", name="web")


def test_the_later_source_is_asked_first_and_each_change_is_told_once() -> None:
    pods = Pods()
    heard: list[None] = []
    pods.listen(lambda: heard.append(None))
    pods.tell("containerd", {"u1": WEB})
    pods.tell("containerd", {"u1": WEB})
    assert pods.of("u1") == WEB and len(heard) == 1
    owned = Pod(uid="u1", namespace="shop", name="web", owner="ReplicaSet/web-5d")
    pods.tell("kubernetes", {"u1": owned})
    assert pods.of("u1") == owned and pods.of("u2") is None
    pods.tell("kubernetes", {})
    assert pods.of("u1") == WEB and len(heard) == 3


def test_whoever_answers_first_each_fills_what_the_other_leaves_empty() -> None:
    owned = Pod(uid="u1", namespace="shop", name="web", owner="Job/x", labels={"app": "web", "a": "1"})
    engines = Pod(uid="u1", namespace="shop", name="web", labels={"a": "2", "b": "2"})
    for order in ((owned, engines), (engines, owned)):
        pods = Pods()
        for number, told in enumerate(order):
            pods.tell(f"source-{number}", {"u1": told})
        found = pods.of("u1")
        assert found is not None and found.owner == "Job/x"
        assert found.labels == {"app": "web", "a": order[1].labels["a"], "b": "2"}
