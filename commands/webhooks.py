"""Registering, changing and replaying webhooks.

What is allowed is in `domain/webhook.py`, the way through the log `commands/handle.py`. The secret
and how far a webhook has come are not in the log: they are written beside the events.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from commands.aggregate import Aggregate, Loaded, View
from commands.handle import Caller, Change, Ledger, Settled, Stop, change, create
from commands.links import Parse
from commands.outcomes import (
    Changed,
    Created,
    Deleted,
    NotFound,
    Outcome,
    Representation,
    TokensIssued,
    Unchanged,
)
from commands.ports import FirstAnswer, Write
from commands.preconditions import NO_PRECONDITIONS, Preconditions
from commands.webhook_address import judge_address
from domain import webhook
from domain.claim import Claim
from domain.events import TAGS
from domain.refusal import Refusal, RejectedByState, RejectedByValue
from domain.webhook import (
    Disable,
    DisabledBecause,
    Edit,
    Register,
    Remove,
    ReplayDelivery,
    Resume,
    Rewind,
    RotateSecret,
    Webhook,
    WebhookCommand,
    WebhookEvent,
    decide,
)
from domain.webhook_signature import secret_text

WEBHOOK_NOT_FOUND = NotFound("webhook_not_found")
DELIVERY_NOT_FOUND = NotFound("delivery_not_found")

WEBHOOKS_OFF = RejectedByState(
    error="webhooks_off",
    detail="This deployment sends no webhooks: LEDGERPRESS_WEBHOOK_ALLOWED_HOSTS is empty.",
    collides_with="LEDGERPRESS_WEBHOOK_ALLOWED_HOSTS",
)

_VERSION = re.compile(r"\.v\d+\Z")
EVENT_TYPES = frozenset(_VERSION.sub("", tag) for tag in TAGS)
"""The names of the events there are, without the version of their form."""

_encode = msgspec.json.Encoder().encode

Aggregated = Aggregate[Webhook, WebhookCommand]


class BesideEvents(Protocol):
    """Makes secrets, and the rows that are written in the transaction of a webhook's events."""

    def new_secret(self) -> bytes:
        """Make a secret."""
        ...

    def with_secret(
        self, webhook_id: UUID, secret: bytes, previous_until: datetime | None
    ) -> Sequence[Write]:
        """Keep a secret, and the one before it until a time."""
        ...

    def rewound(self, webhook_id: UUID, after: int) -> Sequence[Write]:
        """Go on after a position."""
        ...

    def replayed(self, webhook_id: UUID, position: int) -> Sequence[Write]:
        """Send an event again whose delivery is over."""
        ...

    def resumed(self, webhook_id: UUID) -> Sequence[Write]:
        """Try at once what waits."""
        ...

    def removed(self, webhook_id: UUID) -> Sequence[Write]:
        """Destroy the secrets."""
        ...


class Webhooks(msgspec.Struct, frozen=True):
    """What commands about webhooks work with."""

    ledger: Ledger
    aggregate: Aggregated
    beside: BesideEvents
    allowed_hosts: AbstractSet[str]
    """To which anything is sent, each with its port unless that is 443; none: webhooks are off."""
    parse: Parse


class NewWebhook(msgspec.Struct, frozen=True):
    """A webhook as it is asked for."""

    url: str
    event_types: tuple[str, ...] = ()


class WebhookEdit(msgspec.Struct, frozen=True):
    """The members to change, as they are asked for."""

    url: str | UnsetType = UNSET
    event_types: tuple[str, ...] | UnsetType = UNSET


class WebhookChange(msgspec.Struct, frozen=True):
    """A request to change a webhook."""

    wish: Callable[[], Awaitable[WebhookEdit | WebhookCommand | Stop]]
    """Makes the command; asked once the preconditions hold."""
    check: Callable[[], Outcome | None]
    conditions: Preconditions = NO_PRECONDITIONS
    must_match: bool = False


class NewSecret(msgspec.Struct, frozen=True, rename="camel"):
    """A secret, which is shown this once."""

    secret: str
    """`whsec_` and base64, as the Standard Webhooks specification spells it."""
    previous_until: datetime
    """Until when the secret before it signs as well."""

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "NewSecret(***)"


def webhooks(view: View[Webhook]) -> Aggregated:
    """Gather what the command loop needs to know of webhooks."""
    return Aggregate(
        category=webhook.STREAM_CATEGORY,
        evolve=webhook.evolve,  # type: ignore[arg-type]  # a webhook's stream holds its events
        decide=_decide,
        claims=webhook.claims,
        claim_taken=_no_claim,
        view=view,
        weigh=lambda state: 1000 + len(state.url),
    )


async def register_webhook(
    webhooks: Webhooks,
    caller: Caller,
    asked: NewWebhook,
    with_secret: Callable[[bytes, str], bytes],
    first_answer: Callable[[Representation], FirstAnswer] | None = None,
) -> Outcome:
    """Send events to an address from now on.

    `with_secret` adds the secret to the body that is shown. What is kept for a repeat of the
    request (`first_answer`) is without it, as nothing may keep a secret in the clear.
    """
    if not webhooks.allowed_hosts:
        return WEBHOOKS_OFF
    url = judge_address(asked.url, webhooks.allowed_hosts, webhooks.parse)
    if isinstance(url, RejectedByValue):
        return url
    types = _event_types(asked.event_types)
    if isinstance(types, RejectedByValue):
        return types
    new_id, secret = webhooks.ledger.new_id(), webhooks.beside.new_secret()
    settled = await create(
        webhooks.ledger,
        webhooks.aggregate,
        new_id,
        Register(url, types),
        caller,
        first_answer,
        webhooks.beside.with_secret(new_id, secret, None),
    )
    if not isinstance(settled, Settled):
        return settled
    body = with_secret(settled.resource.body, secret_text(secret))
    return Created(msgspec.structs.replace(settled.resource, body=body))


async def change_webhook(
    webhooks: Webhooks, caller: Caller, webhook_id: UUID, asked: WebhookChange
) -> Outcome:
    """Change a webhook: edit, pause, resume, rewind or remove it, or replay a delivery."""
    given: list[WebhookCommand] = []

    async def command(_: Loaded[Webhook]) -> WebhookCommand | Stop:
        wanted = await asked.wish()
        made = _edit(webhooks, wanted) if isinstance(wanted, WebhookEdit) else wanted
        if not isinstance(made, Stop):
            given[:] = [made]
        return made

    wanted: Change[Webhook, WebhookCommand] = Change(
        caller=caller,
        permit=lambda state: WEBHOOK_NOT_FOUND if state.removed else asked.check(),
        missing=WEBHOOK_NOT_FOUND,
        command=command,
        conditions=asked.conditions,
        must_match=asked.must_match,
        beside=lambda _: _rows(webhooks.beside, webhook_id, given[0]),
    )
    settled = await change(webhooks.ledger, webhooks.aggregate, webhook_id, wanted)
    if not isinstance(settled, Settled):
        return settled
    if settled.now.state is not None and settled.now.state.removed:
        return Deleted()
    return Changed(settled.resource) if settled.appended else Unchanged(settled.resource)


async def rotate_secret(
    webhooks: Webhooks,
    caller: Caller,
    webhook_id: UUID,
    asked: WebhookChange,
    grace: Callable[[], Awaitable[timedelta | Stop]],
) -> Outcome:
    """Sign with a new secret, which the outcome shows, and for a time with the old one as well."""
    secret = webhooks.beside.new_secret()

    async def command(_: Loaded[Webhook]) -> WebhookCommand | Stop:
        found = await grace()
        return found if isinstance(found, Stop) else RotateSecret(found)

    def rows(after: Loaded[Webhook]) -> Sequence[Write]:
        assert after.state is not None  # noqa: S101 - it was changed just now
        until = after.state.previous_secret_until
        return webhooks.beside.with_secret(webhook_id, secret, until)

    wanted: Change[Webhook, WebhookCommand] = Change(
        caller=caller,
        permit=lambda state: WEBHOOK_NOT_FOUND if state.removed else asked.check(),
        missing=WEBHOOK_NOT_FOUND,
        command=command,
        conditions=asked.conditions,
        beside=rows,
    )
    settled = await change(webhooks.ledger, webhooks.aggregate, webhook_id, wanted)
    if not isinstance(settled, Settled):
        return settled
    state = settled.now.state
    assert state is not None and state.previous_secret_until is not None  # noqa: S101, PT018 - rotated just now
    return TokensIssued(_encode(NewSecret(secret_text(secret), state.previous_secret_until)))


async def disable_webhook(
    webhooks: Webhooks, caller: Caller, webhook_id: UUID, because: DisabledBecause
) -> Outcome:
    """Stop sending, as the product itself has found."""

    async def wish() -> WebhookCommand:
        return Disable(because)

    return await change_webhook(
        webhooks, caller, webhook_id, WebhookChange(wish=wish, check=lambda: None)
    )


def _edit(webhooks: Webhooks, wanted: WebhookEdit) -> Edit | Stop:
    url: str | UnsetType = UNSET
    types: tuple[str, ...] | UnsetType = UNSET
    if isinstance(wanted.url, str):
        judged = judge_address(wanted.url, webhooks.allowed_hosts, webhooks.parse)
        if isinstance(judged, RejectedByValue):
            return Stop(judged)
        url = judged
    if not isinstance(wanted.event_types, UnsetType):
        known = _event_types(wanted.event_types)
        if isinstance(known, RejectedByValue):
            return Stop(known)
        types = known
    return Edit(url, types)


def _event_types(asked: Sequence[str]) -> tuple[str, ...] | RejectedByValue:
    unknown = sorted(set(asked) - EVENT_TYPES)
    if unknown:
        return RejectedByValue(
            "event_type_unknown",
            "eventTypes: There is no event of one of these names; versions (.v1) are left out.",
            "eventTypes",
        )
    return tuple(sorted(set(asked)))


def _rows(beside: BesideEvents, webhook_id: UUID, command: WebhookCommand) -> Sequence[Write]:
    match command:
        case Rewind():
            return beside.rewound(webhook_id, command.after)
        case ReplayDelivery(position) if position is not None:
            return beside.replayed(webhook_id, position)
        case Resume():
            return beside.resumed(webhook_id)
        case Remove():
            return beside.removed(webhook_id)
        case _:
            return ()


def _decide(
    state: Webhook | None, command: WebhookCommand, now: datetime
) -> tuple[WebhookEvent, ...] | Refusal:
    return decide(state, command, now=now)


def _no_claim(_: Sequence[Claim]) -> RejectedByState:
    raise LookupError("webhooks claim nothing")
