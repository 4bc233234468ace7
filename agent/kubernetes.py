"""Whom to ask about this node's pods: what the configuration names, and in a pod the cluster's own API server."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from agent.config.settings import Config, Kubernetes
from collectors.inventory.kubernetes import apiserver, kubelet
from collectors.inventory.kubernetes.apiserver import ApiServerSource
from collectors.inventory.kubernetes.client import Access
from collectors.inventory.kubernetes.kubelet import KubeletSource
from collectors.inventory.pods import Pods


@dataclass(frozen=True, slots=True)
class Informants:
    """Those who are asked; without any, pods go by what their engines tell of them."""

    kubelet: KubeletSource | None = None
    api_server: ApiServerSource | None = None

    def all(self) -> list[KubeletSource | ApiServerSource]:
        """Whoever there is."""
        return [one for one in (self.kubelet, self.api_server) if one is not None]

    def news(self) -> None:
        """A pod or container appeared: who is not told of changes asks for them."""
        if self.kubelet is not None:
            self.kubelet.news()


def informants(config: Config, pods: Pods, environment: Mapping[str, str] | None = None) -> Informants:
    """The informants of a configuration; `environment` is what the kubelet gives to each container."""
    settings = config.inventory.kubernetes
    if settings.enabled is False:
        return Informants()
    server = settings.api_server or own_api_server(
        settings, os.environ if environment is None else environment
    )
    return Informants(
        KubeletSource(_access(settings, settings.kubelet, kubelet.RIGHTS, own_certificate=True), pods)
        if settings.kubelet
        else None,
        ApiServerSource(_access(settings, server, apiserver.RIGHTS), config.node, pods) if server else None,
    )


def runs_in_pod(settings: Kubernetes, environment: Mapping[str, str] | None = None) -> bool:
    """Whether the agent is a container of a pod: the kubelet told it of the API server and gave it a token."""
    given = os.environ if environment is None else environment
    return bool(given.get("KUBERNETES_SERVICE_HOST")) and os.path.exists(settings.token_file)


def own_api_server(settings: Kubernetes, environment: Mapping[str, str]) -> str:
    """URL of the API server of the cluster whose pod this is; empty elsewhere, and where a kubelet is named."""
    if settings.kubelet or not runs_in_pod(settings, environment):
        return ""
    host = environment["KUBERNETES_SERVICE_HOST"]
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def _access(settings: Kubernetes, url: str, rights: str, *, own_certificate: bool = False) -> Access:
    """`own_certificate`: it may be signed by whoever carries it."""
    verify = not (own_certificate and settings.insecure_skip_verify)
    return Access(url, settings.token_file, settings.ca_file, verify, rights)
