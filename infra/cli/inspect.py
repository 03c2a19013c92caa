"""`ledgerpress config` and `ledgerpress doctor`: how the product is set up. Nothing is changed."""

import rich_click as click
from rich.text import Text

from infra.cli.common import DEPENDENCY_DOWN, FAILED, read_settings, run
from infra.cli.output import as_json, print_json, print_table

_STYLES = {"ok": "green", "warning": "yellow", "error": "red"}
_FOLDERS = frozenset({"Data folder", "Secrets"})


@click.group()
def config() -> None:
    """Look at the settings."""


@config.command()
@as_json
def show(*, json_wanted: bool) -> None:
    """Show every setting, where it comes from, and no secret."""
    rows = read_settings().rows()
    if json_wanted:
        print_json(rows)
        return
    print_table(("setting", "value", "from"), [(r.variable, r.value, r.origin) for r in rows])


@click.command()
@as_json
@click.pass_context
def doctor(context: click.Context, *, json_wanted: bool) -> None:
    """Say what serves each service and why, and what is wrong."""
    # The embedded services take a moment to import, and no other command here needs them.
    from infra.doctor import diagnose  # noqa: PLC0415

    settings = read_settings()
    checks = run(diagnose(settings))
    if json_wanted:
        print_json(checks)
    else:
        print_table(
            ("", "service", "version", "using", "why"),
            [
                (
                    Text(check.status, style=_STYLES[check.status]),
                    check.service,
                    check.version,
                    check.using,
                    f"{check.why}: {check.advice}" if check.advice else check.why,
                )
                for check in checks
            ],
        )
    wrong = {check.service for check in checks if check.status == "error"}
    if wrong:
        context.exit(FAILED if wrong <= _FOLDERS else DEPENDENCY_DOWN)
