"""`ledgerpress users reset-second-factor`: for somebody who has lost authenticator and codes."""

import rich_click as click

from commands.outcomes import Done
from commands.second_factors import reset_second_factor
from infra.cli.callers import operator, why
from infra.cli.common import Failure, read_settings, run
from infra.cli.confirm import confirm_option, require_again
from infra.cli.one_person import person_with

_NO_REDIS = "redis://127.0.0.1"


@click.command("reset-second-factor")
@click.argument("email")
@confirm_option
def reset(email: str, *, confirmed: str | None) -> None:
    """Let EMAIL log in with the password alone again, and end all sessions of the account.

    Make sure who asks for it: whoever knows the password gets in. The owner is told by a message.
    """
    require_again(email, confirmed, "This removes the account's second factor.")
    settings = read_settings()

    async def work() -> bool:
        # Nothing is counted here, so nothing is connected to either.
        async with person_with(settings, email, redis_url=_NO_REDIS) as person:
            caller = operator("ResetSecondFactor")
            outcome = await reset_second_factor(person.identity, caller, person.account.id)
            if not isinstance(outcome, Done):
                raise Failure(why(outcome))
            return person.account.second_factor

    had_one = run(work())
    click.echo(
        f"the second factor of {email} is removed, and all sessions of the account are over"
        if had_one
        else f"{email} has no second factor"
    )
