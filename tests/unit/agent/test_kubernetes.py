"""Who is asked about pods."""

from __future__ import annotations

import pathlib

from agent.config.load import load
from agent.kubernetes import Informants, informants
from collectors.inventory.pods import Pods

CLUSTER = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def asked(environment: dict[str, str], **settings: str) -> Informants:
    keys = ", ".join(f"{key}: {value}" for key, value in settings.items())
    return informants(load(None, [f"inventory.kubernetes={{{keys}}}"]), Pods(), environment)


def urls(found: Informants) -> list[str]:
    return [one._access.url for one in found.all()]


def test_outside_a_cluster_nobody_is_asked_unless_named(tmp_path: pathlib.Path) -> None:
    assert urls(asked({})) == []
    assert urls(asked(CLUSTER, token_file=str(tmp_path / "none"))) == []
    assert urls(asked({}, kubelet="https://n:10250")) == ["https://n:10250"]
    assert urls(asked({}, api_server="https://a")) == ["https://a"]


def test_in_a_pod_the_clusters_own_server_is_asked(tmp_path: pathlib.Path) -> None:
    (tmp_path / "token").touch()
    token = str(tmp_path / "token")
    assert urls(asked(CLUSTER, token_file=token)) == ["https://10.0.0.1:443"]
    assert urls(asked({"KUBERNETES_SERVICE_HOST": "fd00::1"}, token_file=token)) == ["https://[fd00::1]:443"]
    assert urls(asked(CLUSTER, token_file=token, kubelet="https://n:10250")) == ["https://n:10250"]
    assert urls(asked(CLUSTER, token_file=token, api_server="https://a")) == ["https://a"]
    assert urls(asked(CLUSTER, token_file=token, enabled="false")) == []


def test_only_a_kubelet_may_go_unverified() -> None:
    found = asked({}, kubelet="https://n", api_server="https://a", insecure_skip_verify="true")
    assert [one._access.verify for one in found.all()] == [False, True]


def test_news_reach_the_kubelet() -> None:
    asked({}).news()
    found = asked({}, kubelet="https://n")
    found.news()
    assert found.kubelet is not None and found.kubelet._news.is_set()
