"""Webhooks in tests: registering them, filling the log, delivering, letting time pass."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import msgspec

from commands.handle import Caller
from commands.outcomes import Changed, Created, Deleted, Outcome, TokensIssued
from commands.webhooks import (
    NewSecret,
    NewWebhook,
    WebhookChange,
    Webhooks,
    change_webhook,
    register_webhook,
    rotate_secret,
    webhooks,
)
from domain.post import Published
from domain.webhook import Remove, ReplayDelivery, Rewind, WebhookCommand
from infra.bootstrap import Product, open_product
from infra.clock import now
from infra.identity.passwords import CHEAP
from infra.keys import Keys
from infra.links import parse_web_address
from infra.webhooks.secrets import WebhookChanges, WebhookSecrets
from infra.webhooks.sender import HttpSender
from infra.webhooks.work import PostgresWebhookWork
from projections.webhook_deliveries import Delivery, DeliveryQueries, DeliveryState, Progress
from projections.webhooks import WebhookBody, WebhookQueries, WebhookView
from tests.support.log import CREATED, a_stream, append
from tests.support.receiver import Receiver
from tests.support.waiting import eventually
from workers.relay_messages import Decode
from workers.webhooks import Delivering, Pace, run_webhooks

_KEYS = Keys(b"a" * 32, b"e" * 32, b"p" * 32)
_PACE = Pace(look=0.05, rest=0.005, grace=0.2)


class Registered(msgspec.Struct, frozen=True):
    """A webhook of a test."""

    id: UUID
    secret: str


class Desk:
    """What a test does with webhooks, as the product on one database."""

    def __init__(self, product: Product, receiver: Receiver) -> None:
        self.product = product
        self.receiver = receiver
        self.secrets = WebhookSecrets(_KEYS.personal_data)
        self.deliveries = DeliveryQueries(product.database)
        self.webhooks = Webhooks(
            ledger=product.ledger,
            aggregate=webhooks(WebhookView()),
            beside=WebhookChanges(self.secrets),
            allowed_hosts=frozenset({receiver.place}),
            parse=parse_web_address,
        )

    async def register(self, *event_types: str, url: str | None = None) -> Registered:
        """Send events to the receiver."""
        secrets: list[str] = []

        def with_secret(body: bytes, secret: str) -> bytes:
            secrets.append(secret)
            return body

        asked = NewWebhook(url or self.receiver.url, event_types)
        outcome = await register_webhook(self.webhooks, _caller(), asked, with_secret)
        assert isinstance(outcome, Created), outcome
        return Registered(UUID(outcome.resource.location.rpartition("/")[2]), secrets[0])

    async def change(self, webhook_id: UUID, command: WebhookCommand) -> Outcome:
        """Change a webhook, which must succeed."""
        outcome = await self._change(webhook_id, command)
        assert isinstance(outcome, Changed), outcome
        return outcome

    async def rotate(self, webhook_id: UUID, *, seconds: float) -> str:
        """Give a webhook another secret."""

        async def grace() -> timedelta:
            return timedelta(seconds=seconds)

        change = WebhookChange(wish=_no_wish, check=lambda: None)
        outcome = await rotate_secret(self.webhooks, _caller(), webhook_id, change, grace)
        assert isinstance(outcome, TokensIssued), outcome
        return msgspec.json.decode(outcome.body, type=NewSecret).secret

    async def rewind(self, webhook_id: UUID, after: int) -> None:
        """Send again what came after a position."""
        await self.change(webhook_id, Rewind(after, await self.product.log.head()))

    async def replay(self, webhook_id: UUID, delivery: Delivery) -> None:
        """Send an event again."""
        over = delivery.state is not DeliveryState.WAITING
        await self.change(webhook_id, ReplayDelivery(delivery.position, over))

    async def remove(self, webhook_id: UUID) -> None:
        """Send nothing any more."""
        assert isinstance(await self._change(webhook_id, Remove()), Deleted)

    async def append(self, posts: int = 1) -> Sequence[int]:
        """Append two events for each post, and give their positions."""
        before = await self.product.log.head()
        for _ in range(posts):
            await self.product.store.append(append(a_stream(), CREATED, Published()))
        return range(before + 1, before + 2 * posts + 1)

    def work(self, lease_seconds: float = 30) -> PostgresWebhookWork:
        """Say who delivers, as one process does."""
        product = self.product
        return PostgresWebhookWork(
            product.database, self.secrets, product.ledger.new_id, lease_seconds
        )

    @asynccontextmanager
    async def delivering(
        self, sender: HttpSender | None = None, *, decode: Decode | None = None
    ) -> AsyncIterator[None]:
        """Deliver while inside."""
        stop = asyncio.Event()
        sender = sender or self.receiver.sender()
        delivering = Delivering(
            webhooks=self.webhooks,
            work=self.work(),
            sender=sender,
            decode=decode or self.product.codec.decode,
            now=now,
            jitter=lambda: 0.0,
        )
        running = asyncio.create_task(
            run_webhooks(delivering, listen=self.product.hints.listen, stop=stop, pace=_PACE)
        )
        try:
            yield
        finally:
            stop.set()
            await running
            await sender.close()

    async def _change(self, webhook_id: UUID, command: WebhookCommand) -> Outcome:
        async def wish() -> WebhookCommand:
            return command

        change = WebhookChange(wish=wish, check=lambda: None)
        return await change_webhook(self.webhooks, _caller(), webhook_id, change)

    async def webhook(self, webhook_id: UUID) -> WebhookBody:
        """Read a webhook."""
        row = await WebhookQueries(self.product.database).by_id(webhook_id)
        assert row is not None
        return msgspec.json.decode(row.body, type=WebhookBody)

    async def known(self, webhook_id: UUID) -> dict[int | None, Delivery]:
        """Give the deliveries of a webhook by their positions."""
        found = await self.deliveries.page(webhook_id, None, 1000)
        return {each.position: each for each in found}

    async def progress(self, webhook_id: UUID) -> Progress:
        """Tell how far a webhook has come."""
        return await self.deliveries.progress(webhook_id)

    async def time_passes(self) -> None:
        """Let every wait be over: for the next attempt, of events held back, asked for."""
        await self.product.database.fetch(
            "update webhook_deliveries set next_at = clock_timestamp() where state = 'waiting'"
        )
        await self.product.database.fetch(
            "update webhook_cursors set hold_until = null, quiet_until = null"
        )

    async def received(self, *positions: int, within: float = 20) -> None:
        """Require that exactly these positions come in, in this order."""

        async def all_there() -> bool:
            return len(self.receiver.requests) >= len(positions)

        await eventually(all_there, within=within)
        assert self.receiver.positions == [*positions]

    async def settled(self, webhook_id: UUID) -> None:
        """Wait until a webhook has come to the end of the log."""

        async def at_end() -> bool:
            progress = await self.progress(webhook_id)
            return progress.position == progress.head

        assert await eventually(at_end, within=20)


@asynccontextmanager
async def open_desk(database_url: str, receiver: Receiver) -> AsyncIterator[Desk]:
    """Open the product on a database, with a receiver to send to."""
    async with open_product(database_url, _KEYS, hashing=CHEAP) as product:
        yield Desk(product, receiver)


async def _no_wish() -> WebhookCommand:
    raise AssertionError


def _caller() -> Caller:
    return Caller(actor=None, at=now(), command="Test")
