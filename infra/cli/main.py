"""The command `ledgerpress`: its groups, and how every way to end becomes an exit code.

A new command is a function in a file of this folder and its line in `_COMMANDS` below.
"""

import os
import sys
from importlib import import_module
from typing import Any

import rich_click as click

from infra.cli.common import INTERRUPTED, Failure

_COMMANDS = {
    "config": "inspect",
    "dev": "processes",
    "doctor": "inspect",
    "events": "events",
    "exports": "jobs",
    "files": "files",
    "jobs": "jobs",
    "maintenance": "maintenance",
    "migrate": "processes",
    "nginx": "nginx",
    "projections": "projections_ops",
    "projector": "projector",
    "redirects": "redirects",
    "relay": "relay",
    "serve": "processes",
    "users": "users",
    "webhooks": "webhooks",
    "worker": "processes",
}
"""The file of each command. Only that of the one that is called is imported: all take a second."""


class _ReaderLeftError(Exception):
    """Whoever read standard output has had enough."""


class _Commands(click.RichGroup):
    """The commands; click itself would call a reader's leaving a failure."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, or all of them, to say which resemble a name that is none's."""
        for name in [cmd_name] if cmd_name in _COMMANDS else _COMMANDS:
            self.add_command(getattr(import_module(f"infra.cli.{_COMMANDS[name]}"), name))
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as in click
        """Tell the names."""
        return sorted(_COMMANDS)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as in click
        """Run the command, and put its output through."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise _ReaderLeftError from error
        return result


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ledgerpress")
def cli() -> None:
    """Publish posts, with every change kept as an event.

    Settings are LEDGERPRESS_* variables: see `ledgerpress config show`.

    Exit codes: 0 done, 1 failed, 2 wrong use or settings, 3 verification mismatch, 5 a dependency
    is down, 130 interrupted.
    """


def main() -> None:
    """Run the command line and exit."""
    sys.exit(exit_code(sys.argv[1:]))


def exit_code(arguments: list[str]) -> int:
    """Run a command line and give its exit code."""
    try:
        result = cli.main(arguments, prog_name="ledgerpress", standalone_mode=False)
    except Failure as error:
        error.show()
        return error.code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except _ReaderLeftError:
        # Python would complain when it flushes at exit.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        return 0
    return result if isinstance(result, int) else 0
