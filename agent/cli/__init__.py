"""The command line: one file per command, loaded when it is used.

Nothing heavy is imported here, so that `deckwatch version` and completion answer at once.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import io
import os
import sys

import click

from runtime.linux.errors import DeckwatchError

DEBUG = "DECKWATCH_DEBUG"

# name: (module, attribute, one line for the list of commands)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "run": ("run", "run", "Run the agent in the foreground."),
    "config": ("config", "config", "Check and show the configuration, print its schema."),
    "ps": ("ps", "ps", "List containers, whoever started them."),
    "inspect": ("inspect", "inspect", "Show everything about one container or workload."),
    "logs": ("logs", "logs", "Print what containers printed, and follow it."),
    "events": ("events", "events", "Print starts, exits, OOM kills, restarts; and follow them."),
    "doctor": ("doctor", "doctor", "Tell what this host and these rights allow, and what to mend."),
    "apply": ("workloads", "apply", "Make workloads what a file says."),
    "start": ("workloads", "start", "Start workloads that are stopped."),
    "stop": ("workloads", "stop", "Stop workloads; they stay stopped."),
    "restart": ("workloads", "restart", "Restart workloads."),
    "rm": ("workloads", "rm", "Stop workloads and forget them."),
    "scale": ("workloads", "scale", "Run another number of replicas."),
    "completion": ("completion", "completion", "Print the completion script of a shell."),
    "version": ("version", "version", "Print the version."),
}
NOT_YET = (
    "top", "audit", "support-bundle", "rollback", "launch", "exec", "kill", "wait", "attach", "cp",
    "pause", "resume", "image", "oci",
)  # fmt: skip


class ReaderGone(Exception):
    """Who read the output, such as head or less, has had enough: that is no failure."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in NOT_YET:
            return _refused(cmd_name)
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        found = getattr(importlib.import_module(f"agent.cli.{module}"), attribute)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would end the program with 1
            raise ReaderGone from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS and name not in NOT_YET:
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"no command {name!r}{hint}", ctx)
        return super().resolve_command(ctx, args)


def _refused(name: str) -> click.Command:
    def refuse() -> None:
        raise DeckwatchError(f"`deckwatch {name}` is not in this version; `deckwatch --help` lists what is")

    return click.Command(
        name,
        callback=refuse,
        hidden=True,
        add_help_option=False,
        params=[click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED, expose_value=False)],
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`deckwatch COMMAND --help` tells more. The agent is found by --socket, $DECKWATCH_SOCKET, "
    "the configuration of -c or $DECKWATCH_CONFIG, else at its default path.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda *given: _version(*given),
    help="Print the version.",
)
def group() -> None:
    """Containers of this host: what they use, print and go through."""


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from agent.cli.version import version

        ctx.invoke(version, output="text")
        ctx.exit()


def main(args: list[str] | None = None) -> None:
    """Run a command line and exit: 0 done, 1 failed, 2 used wrongly."""
    sys.exit(execute(args))


def execute(args: list[str] | None = None) -> int:
    """Run a command line; what went wrong is told on standard error. Returns the exit code."""
    _open_what_is_closed()
    _write_any_text()
    try:
        result = group.main(args, prog_name="deckwatch", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.ClickException as error:
        return _used_wrongly(error)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except (ReaderGone, BrokenPipeError):
        _drop_output()
        return 0
    except DeckwatchError as error:
        for line in str(error).splitlines():
            click.echo(f"deckwatch: {line}", err=True)
        return getattr(error, "exit_code", 1)
    except OSError as error:
        _drop_output()
        click.echo(f"deckwatch: {_named(error)}", err=True)
        return 1
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        what = " ".join(f"{type(error).__name__}: {error}".split())
        click.echo(f"deckwatch: a fault of this program: {what}; {DEBUG}=1 shows where", err=True)
        return 1
    return result if isinstance(result, int) else 0


def _open_what_is_closed() -> None:
    """A standard stream that the caller closed (`>&-`) is None here; what is written to it goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (lives as long as the program)


def _write_any_text() -> None:
    """What the terminal's encoding lacks is written as an escape; containers print any character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """What is still to be written goes nowhere, so that the interpreter does not complain at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _named(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else f"cannot write the output: {reason}"


def _used_wrongly(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "deckwatch"
    text = " ".join(error.format_message().split()).rstrip(".?")
    text = text.replace(". Did you mean", "; did you mean").replace(". (Did you", " (did you")
    click.echo(f"{command}: {text[:1].lower()}{text[1:]}; see {command} --help", err=True)
    return error.exit_code
