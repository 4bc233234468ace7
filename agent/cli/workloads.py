"""`deckwatch apply`, `start`, `stop`, `restart`, `rm`, `scale`: the agent's own workloads."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from agent.cli import completion
from agent.cli.client import Client, client_options, open_client, segment
from agent.cli.format import harmless
from runtime.linux.errors import DeckwatchError

BASE = "/api/v1/workloads"
WAIT = 60
FAILED_STATES = ("refused", "crash_loop", "restarting")
FAILED_REASONS = ("start_failed", "error", "oom", "signal", "lost")


class NotUp(DeckwatchError):
    """Some replicas did not come up; one line each."""


names_argument = click.argument(
    "names", metavar="W...", nargs=-1, required=True, shell_complete=completion.workloads
)
wait_option = click.option(
    "--no-wait", is_flag=True, help="Do not wait until each replica started or failed."
)


@click.command()
@click.option(
    "-f", "--file", "path", required=True, metavar="FILE", type=click.Path(readable=False, allow_dash=True),
    help="Workloads in YAML; - is standard input.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Change nothing, tell what would be changed.")
@click.option(
    "--prune", is_flag=True, help="Remove the workloads applied before that the file does not hold."
)
@wait_option
@client_options
def apply(
    path: str, dry_run: bool, prune: bool, no_wait: bool, socket_path: str | None, config_file: str | None
) -> None:
    """Make workloads what FILE says, and wait until each replica started or failed."""
    import msgspec

    specs = msgspec.to_builtins(_read(path))
    client = open_client(socket_path, config_file)
    wait = 0 if no_wait or dry_run else WAIT
    parameters = {"dry_run": int(dry_run), "prune": int(prune), "wait": f"{wait}s" if wait else None}
    answer = client.json("PUT", BASE, parameters, specs, timeout=wait + 60)
    for change in answer["changes"]:
        click.echo(f"{change['name']}: {_done(change, dry_run)}")
    if wait:
        _report(answer["workloads"])


def _read(path: str) -> list[Any]:
    from agent.config import workloads as workloadfile

    if path == "-":
        return list(workloadfile.parse(sys.stdin.read(), "standard input"))
    return list(workloadfile.read(path))


def _done(change: dict[str, Any], dry_run: bool) -> str:
    action = str(change["action"])
    if dry_run or action == "keep":
        return {"keep": "unchanged"}.get(action, f"would {action}")
    return {"create": "created", "update": "updated", "scale": "scaled", "remove": "removed"}[action]


def _report(workloads: list[dict[str, Any]]) -> None:
    """Print how each replica is; raises NotUp with the reason of each that failed."""
    failures = []
    for replica in (replica for workload in workloads for replica in workload["replicas"]):
        if _failed(replica):
            failures.append(harmless(f"{replica['name']} is {replica['state']}: {_why(replica)}"))
        else:
            click.echo(harmless(f"{replica['name']}: {replica['state']}"))
    if failures:
        raise NotUp("\n".join(failures))


def _failed(replica: dict[str, Any]) -> bool:
    if replica["state"] in FAILED_STATES:
        return True
    return replica["state"] == "exited" and replica["reason"] in FAILED_REASONS


def _why(replica: dict[str, Any]) -> str:
    if replica["message"]:
        return str(replica["message"])
    code = "" if replica["exit_code"] is None else f" (code {replica['exit_code']})"
    return f"{replica['reason'] or 'unknown'}{code}; see deckwatch logs {replica['name']}"


def _each(
    names: tuple[str, ...],
    act: Callable[[Client, str], None],
    socket_path: str | None,
    config_file: str | None,
) -> None:
    """Do the same to each name; all are tried, and what failed is told at the end."""
    client = open_client(socket_path, config_file)
    failures = []
    for name in dict.fromkeys(names):
        try:
            act(client, name)
        except DeckwatchError as error:
            failures.append(str(error))
    if failures:
        raise NotUp("\n".join(dict.fromkeys(failures)))


def _post(client: Client, name: str, verb: str, wait: bool, body: Any = None) -> None:
    parameters = {"wait": f"{WAIT}s" if wait else None}
    answer = client.json("POST", f"{BASE}/{segment(name)}/{verb}", parameters, body, timeout=2 * WAIT)
    if wait:
        _report([answer])
    else:
        click.echo(f"{name}: {verb}")


@click.command()
@names_argument
@wait_option
@client_options
def start(names: tuple[str, ...], no_wait: bool, socket_path: str | None, config_file: str | None) -> None:
    """Start workloads that are stopped, ended or in a crash loop."""
    _each(names, lambda client, name: _post(client, name, "start", not no_wait), socket_path, config_file)


@click.command()
@names_argument
@client_options
def stop(names: tuple[str, ...], socket_path: str | None, config_file: str | None) -> None:
    """Stop workloads; they stay stopped, also over a restart of the agent or of the host."""

    def act(client: Client, name: str) -> None:
        client.json("POST", f"{BASE}/{segment(name)}/stop", timeout=10 * WAIT)
        click.echo(f"{name}: stopped")

    _each(names, act, socket_path, config_file)


@click.command()
@names_argument
@wait_option
@client_options
def restart(names: tuple[str, ...], no_wait: bool, socket_path: str | None, config_file: str | None) -> None:
    """Stop workloads by their stop rules and start them again."""
    _each(names, lambda client, name: _post(client, name, "restart", not no_wait), socket_path, config_file)


@click.command()
@names_argument
@click.option("--keep-logs", is_flag=True, help="Leave what they printed on disk.")
@client_options
def rm(names: tuple[str, ...], keep_logs: bool, socket_path: str | None, config_file: str | None) -> None:
    """Stop workloads and forget them, with their logs."""

    def act(client: Client, name: str) -> None:
        client.json(
            "DELETE", f"{BASE}/{segment(name)}", {"keep_logs": 1 if keep_logs else None}, timeout=10 * WAIT
        )
        click.echo(f"{name}: removed")

    _each(names, act, socket_path, config_file)


@click.command()
@click.argument("wanted", metavar="W=N...", nargs=-1, required=True)
@wait_option
@client_options
def scale(wanted: tuple[str, ...], no_wait: bool, socket_path: str | None, config_file: str | None) -> None:
    """Run N replicas of the workload W."""
    counts: dict[str, int] = {}
    for text in wanted:
        name, sign, count = text.partition("=")
        if not sign or not name or not count.isascii() or not count.isdigit():
            raise click.UsageError(f"{text!r}: write it as W=N, such as web=3")
        counts[name] = int(count)

    def act(client: Client, name: str) -> None:
        _post(client, name, "scale", not no_wait, {"replicas": counts[name]})

    _each(tuple(counts), act, socket_path, config_file)
