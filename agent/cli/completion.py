"""`deckwatch completion`: scripts for shells, and names of containers as they are typed."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

from agent.cli.client import Client, ClientError, find_socket

VARIABLE = "_DECKWATCH_COMPLETE"
_TIMEOUT = 1.0


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash: eval "$(deckwatch completion bash)"   in ~/.bashrc
    zsh:  eval "$(deckwatch completion zsh)"    in ~/.zshrc
    fish: deckwatch completion fish > ~/.config/fish/completions/deckwatch.fish
    """
    from agent.cli import group

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(group, {}, "deckwatch", VARIABLE).source())


def containers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of containers and workloads that begin so; none when the agent does not answer at once."""
    return _names(ctx, incomplete, ("name", "workload"))


def workloads(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of workloads that begin so."""
    return _names(ctx, incomplete, ("workload",))


def _names(ctx: click.Context, incomplete: str, keys: tuple[str, ...]) -> list[CompletionItem]:
    try:
        socket = ctx.params.get("socket_path") or find_socket(ctx.params.get("config_file"))
        found = Client(socket).json("GET", "/api/v1/containers", {"all": 1}, timeout=_TIMEOUT)
    except ClientError:
        return []
    names = {one[key] for one in found for key in keys if one[key] and one[key].startswith(incomplete)}
    return [CompletionItem(name) for name in sorted(names)]
