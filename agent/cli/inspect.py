"""`deckwatch inspect`: everything about one container or workload."""

from __future__ import annotations

from typing import Any

import click

from agent.cli import completion
from agent.cli.client import Client, ClientError, client_options, open_client, segment
from agent.cli.format import as_json


@click.command()
@click.argument("reference", metavar="C", shell_complete=completion.containers)
@client_options
def inspect(reference: str, socket_path: str | None, config_file: str | None) -> None:
    """Show everything about C as JSON: a container, or a workload and its replicas.

    C is a name, an engine's id or a unique prefix of it, a workload, namespace/pod/container, a pod as
    namespace/pod, or a cgroup path.
    """
    click.echo(as_json(describe(open_client(socket_path, config_file), reference)))


def describe(client: Client, reference: str) -> dict[str, Any]:
    """The container, with its replica's record when it is a workload's; or the workload of that name."""
    try:
        found: dict[str, Any] = client.json("GET", f"/api/v1/containers/{segment(reference)}")
    except ClientError as error:
        if error.status not in (404, 409) or (workload := _workload(client, reference)) is None:
            raise
        return workload
    replica = _replica(client, found)
    return found | {"replica": replica} if replica is not None else found


def _workload(client: Client, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.json("GET", f"/api/v1/workloads/{segment(name)}")
    except ClientError:
        return None  # the first answer names the reference better
    return found


def _replica(client: Client, container: dict[str, Any]) -> dict[str, Any] | None:
    if not container["workload"]:
        return None
    workload = _workload(client, container["workload"]) or {"replicas": []}
    return next((one for one in workload["replicas"] if one["name"] == container["name"]), None)
