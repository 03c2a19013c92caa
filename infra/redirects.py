"""Puts together what the commands about managed redirects work with."""

from commands.handle import Ledger
from commands.redirects import Redirects, redirects
from infra.links import parse_web_address
from infra.settings import Settings
from infra.settings_values import host_of
from projections.database import Database
from projections.redirects import RedirectQueries, RedirectView


def redirect_commands(ledger: Ledger, database: Database, settings: Settings) -> Redirects:
    """Give the redirects of this product, under the rules that the settings make."""
    return Redirects(
        ledger=ledger,
        aggregate=redirects(RedirectView()),
        ways=RedirectQueries(database),
        allowed_hosts=frozenset(settings.go_allowed_hosts),
        own_hosts=frozenset({host_of(settings.public_url), *settings.allowed_hosts}),
        parse=parse_web_address,
    )
