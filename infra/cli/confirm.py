"""Asks for an address twice before something that nobody can undo is done to its account."""

import sys

import rich_click as click

from infra.identity.email_address import email_fault
from infra.identity.personal_data import normalised_email

confirm_option = click.option(
    "--confirm",
    "confirmed",
    metavar="EMAIL",
    help="The same address again, where there is no terminal to ask for it.",
)


def require_again(email: str, confirmed: str | None, question: str) -> None:
    """Go on only for an address that was given twice."""
    if fault := email_fault(email):
        raise click.BadParameter(f"{email!r} {fault}", param_hint="EMAIL")
    if confirmed is None:
        if not sys.stdin.isatty():
            raise click.UsageError(
                "there is no terminal to ask at: give the address with --confirm"
            )
        confirmed = click.prompt(f"{question} Its address again")
    if normalised_email(confirmed) != normalised_email(email):
        raise click.UsageError("the two addresses differ; nothing was changed")
