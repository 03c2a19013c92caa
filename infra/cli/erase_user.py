"""`ledgerpress users erase`: for somebody who asks for it and cannot log in to do it themself."""

import rich_click as click

from commands.erasing import erase as erase_person
from commands.outcomes import Done
from infra.cli.callers import operator, why
from infra.cli.common import DEPENDENCY_DOWN, Failure, read_settings, run
from infra.cli.confirm import confirm_option, require_again
from infra.cli.one_person import person_with
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
        async with person_with(settings, email, redis_url=redis_url(settings)) as person:
            caller = operator("EraseAccount")
            outcome = await erase_person(person.identity, caller, person.account.id)
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
