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
