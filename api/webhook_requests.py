"""What requests about webhooks say, and what every one of them begins with."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from api.answer import Answer
from api.conditional import parse_conditions
from api.content import ContentKind
from api.exchange import Exchange
from api.likely import as_seen
from api.requests import id_in_path, refused_headers, with_role
from api.responses import respond
from commands.outcomes import Forbidden, Malformed, Outcome, Unauthenticated
from commands.preconditions import NO_PRECONDITIONS
from commands.webhooks import WebhookChange, change_webhook
from domain.refusal import RejectedByValue
from domain.stream import Actor, Role
from projections.webhooks import WebhookBody

PATH = "/webhooks"
OPERATORS_ALONE = Forbidden("Only operators see and change webhooks.")

Url = Annotated[str, Meta(min_length=1, max_length=2048)]
EventType = Annotated[str, Meta(max_length=100, examples=["post.published"])]
EventTypes = Annotated[list[EventType], Meta(max_length=200)]
Position = Annotated[int, Meta(ge=0, le=2**62)]
Grace = Annotated[int, Meta(ge=0, le=7 * 24 * 3600)]


class RegisterWebhook(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A new webhook: an https address on an allowed host, and which events are sent to it."""

    url: Url
    event_types: EventTypes = []
    """Names without the version of their form, such as `post.published`; none for all events."""


class PatchWebhook(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A merge patch (RFC 7396): what is absent stays; null removes nothing here."""

    url: Url | UnsetType | None = UNSET
    event_types: EventTypes | UnsetType | None = UNSET

    def removal(self) -> RejectedByValue | None:
        """Refuse to remove what every webhook has."""
        for name, shown in (("url", "url"), ("event_types", "eventTypes")):
            if getattr(self, name) is None:
                return RejectedByValue(
                    "member_required",
                    f"{shown}: Every webhook has this member; null removes it.",
                    shown,
                )
        return None


class RotateWebhookSecret(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """For how long the present secret signs beside the new one."""

    grace_seconds: Grace = 24 * 3600

    @property
    def grace(self) -> timedelta:
        """The same as a duration."""
        return timedelta(seconds=self.grace_seconds)


class ReplayWebhook(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """From where in the log everything is sent again."""

    after: Position
    """The position after which it begins; 0 for the whole log."""


class WebhookCreated(WebhookBody, frozen=True, rename="camel", kw_only=True):
    """A webhook that was registered just now."""

    secret: str | UnsetType = UNSET
    """With which deliveries are signed. A repeat of the request does not show it again."""


class WebhookPage(Struct, frozen=True, rename="camel"):
    """A page of webhooks, the newest first."""

    items: list[WebhookBody]
    next_cursor: str | None
    """Where the next page begins; null on the last one."""


async def operator(exchange: Exchange, deed: str) -> Actor | Outcome:
    """Find out who asks; nobody but operators may."""
    return allowed(await exchange.actor(), deed)


def allowed(actor: Actor | Unauthenticated | None, deed: str) -> Actor | Outcome:
    """Refuse whoever is no operator."""
    return with_role(actor, deed, OPERATORS_ALONE, Role.OPERATOR)


async def change(
    exchange: Exchange,
    name: str,
    wish: Any,  # noqa: ANN401 - as in WebhookChange
    *,
    accepts: tuple[ContentKind, ...] | None = None,
    must_match: bool = False,
) -> Answer:
    """Change the webhook of the path; `name` is what the log calls the command."""

    async def attempt(actor: Actor | Unauthenticated | None) -> Outcome:
        asker = allowed(actor, "Changing a webhook")
        if not isinstance(asker, Actor):
            return asker
        found = target(exchange, wish, accepts, must_match=must_match)
        if isinstance(found, Malformed):
            return found
        webhook_id, wanted = found
        caller = exchange.caller(asker, name)
        return await change_webhook(exchange.services.webhooks, caller, webhook_id, wanted)

    return respond(await as_seen(exchange, attempt), exchange)


def target(
    exchange: Exchange,
    wish: Any,  # noqa: ANN401 - as in WebhookChange
    accepts: tuple[ContentKind, ...] | None,
    *,
    must_match: bool = False,
) -> tuple[UUID, WebhookChange] | Malformed:
    """Read which webhook is to be changed, and under which conditions."""
    webhook_id = id_in_path(exchange, "webhook_id")
    if isinstance(webhook_id, Malformed):
        return webhook_id
    conditions = parse_conditions(exchange.headers)
    return webhook_id, WebhookChange(
        wish=wish,
        check=lambda: refused_headers(exchange, accepts, conditions),
        conditions=NO_PRECONDITIONS if isinstance(conditions, Malformed) else conditions,
        must_match=must_match,
    )
