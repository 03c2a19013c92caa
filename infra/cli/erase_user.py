"""`ledgerpress users erase`: for somebody who asks for it and cannot log in to do it themself."""

import rich_click as click

from commands.erasing import erase as erase_person
from commands.outcomes import Done
from infra.bootstrap import identity
from infra.cli.callers import operator, why
from infra.cli.common import DEPENDENCY_DOWN, Failure, opened, read_settings, run
from infra.cli.confirm import confirm_option, require_again
from infra.identity.limits import redis_limiter
from infra.running import find_running
from infra.settings import Settings


@click.command("erase")
@click.argument("email")
@confirm_option
def erase(email: str, *, confirmed: str | None) -> None:
    """Erase the person who has EMAIL for good: address, name, password, sessions.

    Posts stay, without a name. Nobody can undo it: the key to what is encrypted is destroyed.
    """
    require_again(email, confirmed, "This erases the person for good, and cannot be undone.")
    settings = read_settings()

    async def work() -> None:
        async with (
            opened(settings) as product,
            redis_limiter(redis_url(settings), key=product.keys.attempts) as limiter,
        ):
            its = identity(product, settings, limiter)
            email_hash = product.personal_data.email_hash(email)
            account = (await its.credentials.by_email(email_hash)).account
            if account is None:
                raise Failure(f"there is no account with the address {email}")
            outcome = await erase_person(its, operator("EraseAccount"), account.id)
            if not isinstance(outcome, Done):
                raise Failure(why(outcome))

    run(work())
    click.echo(f"the person with the address {email} is erased")


def redis_url(settings: Settings) -> str:
    """Give the URL that is set, or that of the `ledgerpress dev` which runs with this DATA_DIR."""
    if settings.redis_url is not None:
        return settings.redis_url
    running = find_running(settings.data_dir)
    if running is None:
        raise Failure(
            "LEDGERPRESS_REDIS_URL is not set, and no `ledgerpress dev` runs with "
            f"LEDGERPRESS_DATA_DIR {settings.data_dir.absolute()}",
            DEPENDENCY_DOWN,
        )
    return running.redis_url
