"""The command `ledgerpress`: its groups, and how every way to end becomes an exit code.

A new command is a function in a file of this folder and its line in `cli` below.
"""

import os
import sys
from typing import Any

import rich_click as click

from infra.cli.common import INTERRUPTED, Failure
from infra.cli.events import events
from infra.cli.files import files
from infra.cli.inspect import config, doctor
from infra.cli.jobs import exports, jobs
from infra.cli.maintenance import maintenance
from infra.cli.nginx import nginx
from infra.cli.processes import dev, migrate, serve, worker
from infra.cli.projections import projections
from infra.cli.projections_ops import list_projections, repair, skip
from infra.cli.projector import projector
from infra.cli.redirects import redirects
from infra.cli.relay import relay
from infra.cli.users import users


class _ReaderLeftError(Exception):
    """Whoever read standard output has had enough."""


class _Commands(click.RichGroup):
    """The commands; click itself would call a reader's leaving a failure."""

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


for command in (
    dev,
    serve,
    worker,
    projector,
    relay,
    migrate,
    nginx,
    maintenance,
    events,
    projections,
    files,
    jobs,
    exports,
    users,
    redirects,
    config,
    doctor,
):
    cli.add_command(command)
for command in (list_projections, skip, repair):
    projections.add_command(command)


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
