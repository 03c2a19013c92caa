"""Puts together what the commands about webhooks work with."""

from commands.handle import Ledger
from commands.webhooks import Webhooks, webhooks
from infra.keys import Keys
from infra.links import parse_web_address
from infra.settings import Settings
from infra.webhooks.secrets import WebhookChanges, WebhookSecrets
from projections.webhooks import WebhookView


def webhook_commands(ledger: Ledger, keys: Keys, settings: Settings) -> Webhooks:
    """Give the webhooks of this product, under the rules that the settings make."""
    return Webhooks(
        ledger=ledger,
        aggregate=webhooks(WebhookView()),
        beside=WebhookChanges(webhook_secrets(keys)),
        allowed_hosts=frozenset(settings.webhook_allowed_hosts),
        parse=parse_web_address,
    )


def webhook_secrets(keys: Keys) -> WebhookSecrets:
    """Give what seals and opens the secrets of webhooks."""
    return WebhookSecrets(keys.personal_data)
