"""What Kubernetes tells of a pod becomes facts about its containers."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from collectors.inventory.base import Facts
from collectors.inventory.kubernetes.podlist import LONGEST_ANNOTATION, PodList, PodObject, known, pod_list
from collectors.inventory.pods import Pod
from tests.kubeapi import pod


def decoded(told: dict[str, Any]) -> PodObject:
    return msgspec.json.decode(json.dumps(told), type=PodObject)


def test_each_container_gets_its_names_owner_labels_and_restarts() -> None:
    told = pod(
        "web-1", "u1", {"app": "a" * 64}, owner="ReplicaSet/web", restarts=2,
        labels={"app": "web"}, annotations={"prometheus.io/scrape": "true"},
    )  # fmt: skip
    found = known(decoded(told))
    assert found.pod == Pod(
        uid="u1", namespace="shop", name="web-1", owner="ReplicaSet/web",
        labels={"app": "web"}, annotations={"prometheus.io/scrape": "true"},
    )  # fmt: skip
    assert found.containers == {
        "a" * 64: Facts(
            image="registry/app:1", namespace="shop", pod="web-1", pod_uid="u1", container="app",
            owner="ReplicaSet/web", labels={"app": "web"}, annotations={"prometheus.io/scrape": "true"},
            restarts=2,
        )
    }  # fmt: skip


def test_init_and_ephemeral_containers_and_the_one_before_a_restart_are_known_too() -> None:
    told = pod("web-1", "u1", {"app": "a2"}, restarts=1)
    told["spec"] |= {"initContainers": [{"name": "init", "image": "i:1"}]}
    told["spec"] |= {"ephemeralContainers": [{"name": "debug", "image": "d:1"}]}
    told["status"]["containerStatuses"][0]["lastState"] = {"terminated": {"containerID": "cri-o://a1"}}
    told["status"] |= {"initContainerStatuses": [{"name": "init", "containerID": "docker://b"}]}
    told["status"] |= {"ephemeralContainerStatuses": [{"name": "debug", "containerID": "docker://c"}]}
    found = known(decoded(told)).containers
    assert {id: (one.container, one.image, one.restarts) for id, one in found.items()} == {
        "a2": ("app", "registry/app:1", 1),
        "a1": ("app", "registry/app:1", 0),
        "b": ("init", "i:1", 0),
        "c": ("debug", "d:1", 0),
    }


def test_a_container_that_waits_to_be_started_again_keeps_its_restarts() -> None:
    told = pod("web-1", "u1", {"app": "a1"}, restarts=5)
    told["status"]["containerStatuses"][0]["lastState"] = {"terminated": {"containerID": "containerd://a1"}}
    assert known(decoded(told)).containers["a1"].restarts == 5


def test_a_mirror_pod_has_the_uid_of_its_cgroup() -> None:
    told = pod("etcd-node-1", "mirror", {"etcd": "e"}, annotations={"kubernetes.io/config.mirror": "h" * 32})
    found = known(decoded(told))
    assert found.pod.uid == "h" * 32 and found.containers["e"].pod_uid == "h" * 32


def test_what_is_null_or_not_there_yet_is_empty() -> None:
    told = {"metadata": {"uid": "u", "labels": None, "ownerReferences": None}, "spec": {"containers": None}}
    assert known(decoded(told)) == known(decoded({"metadata": {"uid": "u"}}))
    waiting = pod("web-1", "u1", {"app": ""})
    assert known(decoded(waiting)).containers == {}


def test_a_list_has_its_version_and_may_be_empty() -> None:
    told = pod("web-1", "u1", {"app": "a"})
    whole = {"kind": "PodList", "metadata": {"resourceVersion": "7"}, "items": [told]}
    assert pod_list(json.dumps(whole).encode()) == PodList("7", [decoded(told)])
    assert pod_list(b'{"items": null}') == PodList("", [])
    for nonsense in (b'{"items": [3]}', b"[]", b"{"):
        with pytest.raises(msgspec.MsgspecError):
            pod_list(nonsense)


def test_annotations_that_are_whole_documents_are_left_out() -> None:
    longest = {"prometheus.io/port": "9100", "of/this-length": "x" * LONGEST_ANNOTATION}
    applied = {"kubectl.kubernetes.io/last-applied-configuration": "x" * (LONGEST_ANNOTATION + 1)}
    found = known(decoded(pod("web-1", "u1", {"app": "a"}, annotations=longest | applied)))
    assert found.pod.annotations == found.containers["a"].annotations == longest
