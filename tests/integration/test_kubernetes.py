"""The whole agent as a node's: a kubelet or an API server tells of pods that real containers are in."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from tests import certificates
from tests.certificates import Authority
from tests.integration import containerd
from tests.integration.agents import Agent, Scrape
from tests.integration.containerd import Containerd, Wish
from tests.integration.engines import Dockerd, or_skip, remove_cgroups, wait_until
from tests.integration.shell import Shell
from tests.kubeapi import Background, Cluster, pod

pytestmark = [
    pytest.mark.root,
    pytest.mark.docker,
    pytest.mark.skipif(not certificates.HAVE, reason=certificates.MISSING),
]

PARENT = f"/deckwatch-test-k8s-{os.getpid()}"
# Engines of this host that are not the test's own.
ELSEWHERE = {name: {"enabled": False} for name in ("containerd", "podman", "crio", "systemd", "machines")}
UID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
POD = f"{PARENT}/kubepods/burstable/pod{UID}"
BUSY = "i=0; while :; do i=$((i+1)); done"


class Node:
    """A cluster's end on this node, and an agent that asks it."""

    def __init__(self, background: Background, directory: pathlib.Path, engine: Dockerd) -> None:
        self.background = background
        self.token = directory / "token"
        self.engine = engine
        self.agent: Agent

    def run(self, name: str, uid: str, *command: str) -> str:
        """A container in a pod's cgroup, as the kubelet would place it; its id."""
        place = f"{PARENT}/kubepods/burstable/pod{uid}"
        return self.engine.run("--name", name, "--network", "none", "--cgroup-parent", place, "--", *command)

    def put(self, told: dict[str, Any]) -> None:
        self.background.do(lambda cluster: cluster.put(told))

    def trouble(self) -> str:
        """What the agent says about its informant; empty when all is well."""
        conditions = self.agent.json("/-/ready")["conditions"]
        return " ".join(one["text"] for one in conditions if one["code"] == "kubernetes_unavailable")


@contextlib.contextmanager
def node(
    directory: pathlib.Path, engine: Dockerd, informant: str, token: str = "first-token"
) -> Iterator[Node]:
    """A node whose agent asks over TLS, with a token."""
    authority = Authority(str(directory))
    pair = authority.issue("cluster", "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    cluster = Cluster()
    cluster.token = "first-token"
    try:
        with Background(cluster, context) as background:
            here = Node(background, directory, engine)
            here.token.write_text(token)
            settings = {informant: cluster.url, "token_file": str(here.token), "ca_file": authority.cert}
            here.agent = Agent(
                {
                    "node": "node-1",
                    "inventory": {"docker": {"socket": engine.socket}, "kubernetes": settings, **ELSEWHERE},
                    "runtime": {"enabled": False},
                }
            )
            try:
                yield here
            finally:
                here.agent.close()
    finally:
        engine.remove_all()
        remove_cgroups(PARENT)


def labels_of(scrape: Scrape, family: str, **labels: str) -> list[dict[str, str]]:
    return [dict(found) for found in scrape.of(family, **labels)]


def told(app: str, side: str) -> dict[str, Any]:
    return pod(
        "web-1", UID, {"app": app, "side": side}, owner="ReplicaSet/web-5d", labels={"app": "web"}, restarts=2
    )


@pytest.mark.parametrize("informant", ["kubelet", "api_server"])
def test_containers_and_pods_have_the_names_of_the_cluster(
    dockerd: Dockerd, tmp_path: pathlib.Path, informant: str
) -> None:
    with node(tmp_path, dockerd, informant) as here:
        app = here.run("app", UID, "sh", "-c", BUSY)
        side = here.run("side", UID, "sleep", "1000")
        here.put(told(app, side))
        here.agent.start()
        wait_until(lambda: here.agent.json("/api/v1/containers", selector='{pod="web-1"}')[1:], "names")
        found = here.agent.container("shop/web-1/app")
        assert (found["engine_id"], found["owner"], found["restarts"]) == (app, "ReplicaSet/web-5d", 2)
        assert found["labels"]["app"] == "web" and found["id"] == f"{POD}/{app}"

        series = {"namespace": "shop", "pod": "web-1"}
        cpu = "container_cpu_usage_seconds_total"
        wait_until(lambda: len(here.agent.scrape().of(cpu, **series)) == 3, "series of a pod")
        scrape = here.agent.scrape()
        assert {one["container"] for one in labels_of(scrape, cpu, **series)} == {"", "app", "side"}
        [around] = labels_of(scrape, cpu, container="", **series)
        assert (around["id"], around["name"], around["image"]) == (POD, "", "")
        whole = scrape.sum(cpu, container="", **series)
        assert 0 < scrape.sum(cpu, container="app", **series) <= whole + 0.1
        assert scrape.sum("container_memory_usage_bytes", container="", **series) >= scrape.sum(
            "container_memory_usage_bytes", container="app", **series
        )
        assert {one["id"] for one in labels_of(scrape, cpu, name="")} >= {
            f"{PARENT}/kubepods",
            f"{PARENT}/kubepods/burstable",
        }
        [info] = labels_of(scrape, "container_info", container="app", **series)
        assert (info["owner_kind"], info["owner_name"], info["role"]) == (
            "ReplicaSet", "web-5d", "container",
        )  # fmt: skip
        assert {one["container"] for one in labels_of(scrape, "container_state", **series)} == {"app", "side"}
        assert not scrape.of("container_exits_total", container="", **series)
        assert scrape.sum("deckwatch_containers", engine="kubernetes", role="pod", state="running") >= 1

        shell = Shell(here.agent.config)
        assert {line.split()[0] for line in shell.out("ps").splitlines()[1:]} == {
            "shop/web-1/app", "shop/web-1/side",
        }  # fmt: skip
        assert (
            shell.out("ps", "--filter", "role=pod", "--filter", "pod=web-1").splitlines()[1].split()[0]
            == "shop/web-1"
        )
        assert f'"id": "{POD}"' in shell.out("inspect", "shop/web-1")
        assert {event["container"]["engine"] for event in here.agent.json("/api/v1/events")} <= {"docker"}


@pytest.mark.parametrize("informant", ["kubelet", "api_server"])
def test_a_new_pod_is_named_within_seconds_and_gone_with_its_cgroup(
    dockerd: Dockerd, tmp_path: pathlib.Path, informant: str
) -> None:
    with node(tmp_path, dockerd, informant) as here:
        here.agent.start()
        id = here.run("late", UID, "sleep", "1000")
        here.put(pod("late-1", UID, {"late": id}))
        wait_until(
            lambda: (
                here.agent.json("/api/v1/containers", selector='{pod="late-1"}')
                and here.agent.json("/api/v1/containers", selector='{role="pod",pod="late-1"}')
            ),
            "the names of a new pod",
            10,
        )
        here.engine.remove_all()
        remove_cgroups(PARENT)
        here.background.do(lambda cluster: cluster.remove(UID))
        every = '{role=~".+",pod="late-1"}'
        wait_until(lambda: not here.agent.json("/api/v1/containers", selector=every), "their end")
        states = here.agent.json("/api/v1/containers", all="1", selector='{role="pod",pod="late-1"}')
        assert [one["state"] for one in states] == ["exited"]


@pytest.mark.parametrize("informant", ["kubelet", "api_server"])
def test_a_refused_token_degrades_until_it_is_renewed(
    dockerd: Dockerd, tmp_path: pathlib.Path, informant: str
) -> None:
    with node(tmp_path, dockerd, informant, token="outdated-token") as here:
        app = here.run("app", UID, "sleep", "1000")
        here.put(told(app, ""))
        here.agent.start()
        wait_until(here.trouble, "a condition")
        assert "answers 401" in here.trouble() and "token_file" in here.trouble()
        assert "answers 401" in Shell(here.agent.config).out("doctor")
        cpu = "container_cpu_usage_seconds_total"
        wait_until(lambda: here.agent.scrape().of(cpu, id=f"{POD}/{app}", name="app"), "series all the same")
        [around] = labels_of(here.agent.scrape(), cpu, id=POD)
        assert "pod" not in around
        here.token.write_text("first-token")
        wait_until(lambda: not here.trouble(), "an end of the condition", 60)
        assert here.agent.container("shop/web-1/app")["engine_id"] == app
        here.background.do(lambda cluster: setattr(cluster, "refuse", 403))
        assert "answers 403; allow" in Shell(here.agent.config).out("doctor")


@pytest.fixture
def engine() -> Iterator[Containerd]:
    """A containerd with its CRI."""
    yield from or_skip(containerd.containerd())


@pytest.mark.containerd
def test_a_pod_of_the_cri_gets_what_only_the_cluster_knows(
    engine: Containerd, tmp_path: pathlib.Path
) -> None:
    """The engine names pod, sandbox and containers; the kubelet adds labels, owner and restarts to each."""
    made = engine.run_pod("web-1", [Wish("app", ["sleep", "600"])], namespace="shop")
    cluster = Cluster()
    cluster.put(pod("web-1", made.uid, made.ids, owner="ReplicaSet/web", labels={"app": "web"}, restarts=4))
    with Background(cluster) as background:
        here = {"enabled": True, "socket": engine.socket, "state": engine.state, "root": engine.root}
        inventory = ELSEWHERE | {
            "docker": {"enabled": False}, "containerd": here,
            "kubernetes": {"kubelet": background.cluster.url, "token_file": str(tmp_path / "none")},
        }  # fmt: skip
        agent = Agent({"inventory": inventory, "runtime": {"enabled": False}})
        try:
            agent.start()
            wait_until(lambda: agent.container("shop/web-1/app")["owner"], "the owner")
            container, around = agent.container("shop/web-1/app"), agent.container("shop/web-1")
            assert (container["engine"], container["restarts"]) == ("containerd", 4)
            assert container["labels"]["app"] == around["labels"]["app"] == "web"
            assert container["owner"] == around["owner"] == "ReplicaSet/web"
            assert agent.container("shop/web-1/POD")["engine_id"] == made.sandbox
            series = {"namespace": "shop", "pod": "web-1"}
            cpu = "container_cpu_usage_seconds_total"
            wait_until(lambda: len(agent.scrape().of(cpu, **series)) == 3, "series")
            scrape = agent.scrape()
            images = {one["image"]: one["container"] for one in labels_of(scrape, cpu, **series)}
            assert images[""] == "" and set(images.values()) == {"", "app"} and len(images) == 3
            owners = {
                one["id"] for one in labels_of(scrape, "container_network_receive_bytes_total", **series)
            }
            assert owners == {agent.container("shop/web-1/POD")["id"]}
            assert {one["container"] for one in labels_of(scrape, "container_state", **series)} == {"app"}
        finally:
            agent.close()


def test_in_a_pod_nobody_is_told_of_targets(tmp_path: pathlib.Path) -> None:
    (tmp_path / "token").touch()
    kubernetes = {"token_file": str(tmp_path / "token")}
    agent = Agent(
        {
            "inventory": {"docker": {"enabled": False}, "kubernetes": kubernetes, **ELSEWHERE},
            "runtime": {"enabled": False},
        },
        before=["env", "KUBERNETES_SERVICE_HOST=127.0.0.1", "KUBERNETES_SERVICE_PORT=1"],
    )
    try:
        agent.start()
        status, body = agent.get("/sd/targets")
        assert status == 404
        assert "PodMonitors" in json.loads(body)["message"]
    finally:
        agent.close()
