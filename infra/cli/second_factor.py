"""`ledgerpress users reset-second-factor`: for somebody who has lost authenticator and codes."""

import rich_click as click

from commands.outcomes import Done
from commands.second_factors import reset_second_factor
from infra.bootstrap import identity
from infra.cli.callers import operator, why
from infra.cli.common import Failure, opened, read_settings, run
from infra.cli.confirm import confirm_option, require_again
from infra.identity.limits import redis_limiter

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
        async with (
            opened(settings) as product,
            # Nothing is counted here, so nothing is connected to either.
            redis_limiter(_NO_REDIS, key=product.keys.attempts) as limiter,
        ):
            its = identity(product, settings, limiter)
            email_hash = product.personal_data.email_hash(email)
            account = (await its.credentials.by_email(email_hash)).account
            if account is None:
                raise Failure(f"there is no account with the address {email}")
            outcome = await reset_second_factor(its, operator("ResetSecondFactor"), account.id)
            if not isinstance(outcome, Done):
                raise Failure(why(outcome))
            return account.second_factor

    had_one = run(work())
    click.echo(
        f"the second factor of {email} is removed, and all sessions of the account are over"
        if had_one
        else f"{email} has no second factor"
    )
