"""`ledgerpress webhooks`: where events are sent, what became of them, sending them again."""

from uuid import UUID

import msgspec
import rich_click as click

from commands.outcomes import Changed
from commands.webhooks import (
    DELIVERY_NOT_FOUND,
    WEBHOOK_NOT_FOUND,
    WebhookChange,
    change_webhook,
)
from domain.webhook import ReplayDelivery, Rewind, WebhookCommand
from infra.bootstrap import Product
from infra.cli.callers import operator, why
from infra.cli.common import Failure, opened, read_settings, run
from infra.cli.output import as_json, at_most, print_json, print_table
from infra.settings import Settings
from infra.webhooks.open import webhook_commands
from projections.webhook_deliveries import Delivery, DeliveryQueries, DeliveryState, Progress
from projections.webhooks import WebhookBody, WebhookQueries

_webhook = click.argument("webhook_id", type=click.UUID, metavar="ID")


class Line(msgspec.Struct, frozen=True, rename="camel"):
    """A webhook, and how far it has come."""

    webhook: WebhookBody
    progress: Progress


@click.group()
def webhooks() -> None:
    """Look after the addresses to which events are sent."""


@webhooks.command("list")
@at_most
@as_json
def list_webhooks(*, limit: int, json_wanted: bool) -> None:
    """Show the webhooks, the newest first, and how many events each is behind."""
    settings = read_settings()

    async def work() -> list[Line]:
        async with opened(settings) as product:
            rows = await WebhookQueries(product.database).page(limit)
            deliveries = DeliveryQueries(product.database)
            return [
                Line(
                    msgspec.json.decode(row.body, type=WebhookBody),
                    await deliveries.progress(row.id),
                )
                for row in rows
            ]

    lines = run(work())
    if json_wanted:
        for line in lines:
            print_json(line)
        return
    print_table(
        ("webhook", "status", "behind", "failing since", "events", "address"),
        [
            (
                str(line.webhook.id),
                line.webhook.disabled_because or line.webhook.status,
                f"{line.progress.head - line.progress.position:,}",
                "" if line.progress.failing_since is None else str(line.progress.failing_since),
                " ".join(line.webhook.event_types) or "all",
                line.webhook.url,
            )
            for line in lines
        ],
    )


@webhooks.command("deliveries")
@_webhook
@click.option("--state", type=click.Choice([each.value for each in DeliveryState]))
@at_most
@as_json
def list_deliveries(*, webhook_id: UUID, state: str | None, limit: int, json_wanted: bool) -> None:
    """Show the deliveries of a webhook, the newest first: made, waiting and dead."""
    settings = read_settings()

    async def work() -> list[Delivery]:
        async with opened(settings) as product:
            if await WebhookQueries(product.database).by_id(webhook_id) is None:
                raise Failure(f"there is no such webhook: {webhook_id}")
            wanted = None if state is None else DeliveryState(state)
            return [*await DeliveryQueries(product.database).page(webhook_id, wanted, limit)]

    found = run(work())
    if json_wanted:
        for each in found:
            print_json(each)
        return
    print_table(
        ("delivery", "position", "event", "state", "attempts", "status", "reason", "last"),
        [
            (
                str(each.id),
                "test" if each.position is None else str(each.position),
                each.type,
                each.state.value,
                str(each.attempts),
                "" if each.status is None else str(each.status),
                each.reason or "",
                "" if each.last_attempt_at is None else str(each.last_attempt_at),
            )
            for each in found
        ],
    )


@webhooks.command("replay")
@_webhook
@click.option("--after", type=click.IntRange(min=0), help="Send again whatever came after this.")
@click.option("--delivery", type=click.UUID, help="Send this one again, which is over.")
def replay(*, webhook_id: UUID, after: int | None, delivery: UUID | None) -> None:
    """Send events again: all after a position of the log, or a single one."""
    if (after is None) == (delivery is None):
        raise click.UsageError("give either --after or --delivery")
    settings = read_settings()

    async def work() -> None:
        async with opened(settings) as product:
            command = await _command(product, webhook_id, after, delivery)
            await _change(product, settings, webhook_id, command)

    run(work())
    what = f"delivery {delivery} waits" if after is None else f"what came after {after} is sent"
    click.echo(f"{what} again")


async def _command(
    product: Product, webhook_id: UUID, after: int | None, delivery_id: UUID | None
) -> WebhookCommand:
    if after is not None:
        return Rewind(after, await product.log.head())
    assert delivery_id is not None  # noqa: S101 - one of the two is given
    found = await DeliveryQueries(product.database).by_id(webhook_id, delivery_id)
    if found is None:
        raise Failure(f"{DELIVERY_NOT_FOUND.error}: the webhook has no delivery {delivery_id}")
    return ReplayDelivery(found.position, found.state is not DeliveryState.WAITING)


async def _change(
    product: Product, settings: Settings, webhook_id: UUID, command: WebhookCommand
) -> None:
    async def wish() -> WebhookCommand:
        return command

    outcome = await change_webhook(
        webhook_commands(product.ledger, product.keys, settings),
        operator("ReplayWebhook"),
        webhook_id,
        WebhookChange(wish=wish, check=lambda: None),
    )
    if isinstance(outcome, Changed):
        return
    if outcome == WEBHOOK_NOT_FOUND:
        raise Failure(f"there is no such webhook: {webhook_id}")
    raise Failure(why(outcome))
