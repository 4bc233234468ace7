"""`deckwatch run`: the agent, in the foreground."""

from __future__ import annotations

import click

from agent.cli.welcome import announce

CRASHED = "agent_crashed"


@click.command()
@click.option(
    "-c", "--config", "config_file", envvar="DECKWATCH_CONFIG", metavar="FILE", type=click.Path(readable=False),
    help="Configuration; without one the default file, else the defaults.  [env: DECKWATCH_CONFIG]",
)  # fmt: skip
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE",
    help="Override one key, such as --set query.timeout=10s. May be repeated.",
)  # fmt: skip
def run(config_file: str | None, overrides: tuple[str, ...]) -> int:
    """Run the agent in the foreground until SIGINT or SIGTERM.

    It prints where it answers on standard output, its log on standard error. SIGHUP reads the
    configuration again.
    """
    import structlog

    from agent.start import main

    try:
        return main(config_file, overrides, lambda config, urls: announce(config, urls, config_file))
    except Exception:
        structlog.get_logger().exception(CRASHED)
        return 1
