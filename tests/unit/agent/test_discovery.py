"""Containers that ask to be scraped are found where they answer, with all that relabelling may want."""

from __future__ import annotations

import pathlib

import msgspec

from agent.config.load import load
from agent.discovery import Discovery, Metrics, targets, why_off
from collectors.model import Container, Entry, Network, State

ASK = {"prometheus.io/scrape": "true", "prometheus.io/port": "9100"}


def entry(
    name: str,
    labels: dict[str, str] | None = None,
    *,
    addresses: tuple[str, ...] = ("172.17.0.2",),
    ports: tuple[int, ...] = (),
    network: Network = Network.OWNER,
    annotations: dict[str, str] | None = None,
    workload: str = "",
    state: State = State.RUNNING,
    engine: str = "docker",
) -> Entry:
    container = Container(
        id=f"/{engine}/{name}", name=name, engine=engine, engine_id=name, image="nginx",
        labels=labels or {}, workload=workload, state=state,
    )  # fmt: skip
    return Entry(
        container=container, addresses=addresses, ports=ports, network=network, annotations=annotations or {}
    )


def addresses_of(groups: list[dict[str, object]]) -> list[object]:
    return [group["targets"] for group in groups]


def test_one_group_to_the_letter() -> None:
    asked = entry(
        "web", ASK | {"prometheus.io/path": "/stats", "prometheus.io/scheme": "https", "app.x/y": "z"}
    )
    assert targets([asked], node="n1") == [
        {
            "targets": ["172.17.0.2:9100"],
            "labels": {
                "__scheme__": "https",
                "__metrics_path__": "/stats",
                "__meta_deckwatch_id": "/docker/web",
                "__meta_deckwatch_engine_id": "web",
                "__meta_deckwatch_name": "web",
                "__meta_deckwatch_image": "nginx",
                "__meta_deckwatch_engine": "docker",
                "__meta_deckwatch_node": "n1",
                "__meta_deckwatch_label_prometheus_io_scrape": "true",
                "__meta_deckwatch_label_prometheus_io_port": "9100",
                "__meta_deckwatch_label_prometheus_io_path": "/stats",
                "__meta_deckwatch_label_prometheus_io_scheme": "https",
                "__meta_deckwatch_label_app_x_y": "z",
            },
        }
    ]


def test_only_who_asks_is_listed() -> None:
    some = [
        entry("silent"),
        entry("refuses", {"prometheus.io/scrape": "false", "prometheus.io/port": "1"}),
        entry("asks", ASK),
        entry("other", {"metrics.corp/scrape": "true", "metrics.corp/port": "8"}),
    ]
    assert addresses_of(targets(some, node="n")) == [["172.17.0.2:9100"]]
    assert addresses_of(targets(some, node="n", prefix="metrics.corp")) == [["172.17.0.2:8"]]


def test_without_a_port_each_exposed_one_is_a_target() -> None:
    asked = entry("web", {"prometheus.io/scrape": "true"}, ports=(9090, 80))
    assert addresses_of(targets([asked], node="n")) == [["172.17.0.2:80"], ["172.17.0.2:9090"]]


def test_an_annotation_goes_before_a_label() -> None:
    asked = entry("web", ASK, annotations={"prometheus.io/port": "7"})
    (group,) = targets([asked], node="n")
    assert group["targets"] == ["172.17.0.2:7"]
    assert group["labels"]["__meta_deckwatch_annotation_prometheus_io_port"] == "7"


def test_host_network_ipv6_and_who_cannot_be_reached() -> None:
    some = [
        entry("host", ASK, network=Network.HOST, addresses=()),
        entry("six", ASK, addresses=("fd00::2",)),
        entry("nowhere", ASK, addresses=()),
        entry("ended", ASK, network=Network.HOST, state=State.EXITED),
        entry("nonsense", ASK | {"prometheus.io/port": "http"}),
        entry("portless", {"prometheus.io/scrape": "true"}),
        entry("beyond", ASK | {"prometheus.io/port": "65536"}),
    ]
    assert addresses_of(targets(some, node="n", host_address="10.9.8.7")) == [
        ["10.9.8.7:9100"],
        ["[fd00::2]:9100"],
    ]


def test_workloads_ask_by_their_specification() -> None:
    replicas = [entry(f"web-{number}", workload="web", addresses=(f"10.0.0.{number}",)) for number in (1, 2)]
    groups = targets(replicas, node="n", workloads={"web": Metrics(8000, "/m")})
    assert addresses_of(groups) == [["10.0.0.1:8000"], ["10.0.0.2:8000"]]
    assert groups[0]["labels"]["__metrics_path__"] == "/m"
    assert groups[0]["labels"]["__meta_deckwatch_workload"] == "web"
    assert targets(replicas, node="n") == []


def test_the_list_does_not_depend_on_the_order_of_the_inventory() -> None:
    some = [entry(name, ASK, addresses=(f"10.0.0.{number}",)) for number, name in enumerate("cab")]
    assert targets(some, node="n") == targets(reversed(some), node="n")


def test_targets_of_a_stopped_engine_stay_ten_minutes() -> None:
    discovery = Discovery(node="n")
    web, other = entry("web", ASK), entry("other", ASK, addresses=("172.17.0.3",))
    discovery.observe([web, other], 1000)
    discovery.observe([], 1005, {"docker"})
    assert addresses_of(discovery.targets()) == [["172.17.0.2:9100"], ["172.17.0.3:9100"]]
    discovery.observe([], 1604, {"docker"})
    assert addresses_of(discovery.targets()) == [["172.17.0.2:9100"], ["172.17.0.3:9100"]]
    discovery.observe([], 1605, {"docker"})
    assert discovery.targets() == []


def test_what_the_inventory_still_lists_of_a_stopped_engine_stays_no_longer() -> None:
    discovery, web = Discovery(node="n"), entry("web", ASK)
    discovery.observe([web], 1000)
    discovery.observe([web], 1005, {"docker"})
    discovery.observe([web], 1604, {"docker"})
    assert addresses_of(discovery.targets()) == [["172.17.0.2:9100"]]
    discovery.observe([web], 1605, {"docker"})
    assert discovery.targets() == []
    discovery.observe([web], 1700)
    assert addresses_of(discovery.targets()) == [["172.17.0.2:9100"]]


def test_an_ended_container_is_gone_at_once_while_its_engine_answers() -> None:
    discovery = Discovery(node="n")
    discovery.observe([entry("web", ASK)], 1000)
    discovery.observe([entry("web", ASK, state=State.EXITED)], 1001, {"podman"})
    assert discovery.targets() == []


def test_what_a_returned_engine_lists_is_the_truth() -> None:
    discovery = Discovery(node="n")
    web, gone = entry("web", ASK), entry("gone", ASK, addresses=("172.17.0.3",))
    discovery.observe([web, gone], 1000)
    discovery.observe([], 1001, {"docker"})
    discovery.observe([entry("web", ASK, addresses=("172.17.0.9",))], 1002)
    assert addresses_of(discovery.targets()) == [["172.17.0.9:9100"]]


def test_an_address_that_somebody_else_got_is_his() -> None:
    discovery = Discovery(node="n")
    discovery.observe([entry("old", ASK)], 1000)
    discovery.observe([entry("new", ASK, engine="podman")], 1001, {"docker"})
    (group,) = discovery.targets()
    assert group["labels"]["__meta_deckwatch_name"] == "new"


def test_who_owns_a_pod_is_told() -> None:
    asked = entry("web", ASK)
    container = msgspec.structs.replace(asked.container, owner="ReplicaSet/web-5d")
    [group] = targets([msgspec.structs.replace(asked, container=container)], node="n1")
    assert group["labels"]["__meta_deckwatch_owner_kind"] == "ReplicaSet"
    assert group["labels"]["__meta_deckwatch_owner_name"] == "web-5d"


def test_it_is_off_in_a_pod_of_kubernetes(tmp_path: pathlib.Path) -> None:
    (tmp_path / "token").touch()
    cluster = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}

    def reason(environment: dict[str, str], token: str = "token", **keys: str) -> str:
        settings = ", ".join(f"{key}: {value}" for key, value in keys.items())
        given = [f"inventory.kubernetes={{token_file: {tmp_path / token}, {settings}}}"]
        return why_off(load(None, given), environment)

    assert "PodMonitors" in reason(cluster)
    assert "PodMonitors" in reason(cluster, kubelet="https://n:10250")
    assert reason(cluster, enabled="false") == ""
    assert reason(cluster, token="none") == ""
    assert reason({}) == reason({}, kubelet="https://n:10250") == ""
