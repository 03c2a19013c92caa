"""Reads a request's body into a request struct, or into the outcome that says why not."""

from typing import TypeVar
from uuid import UUID

from api.conditional import parse_conditions
from api.content import ContentKind, check_body_headers
from api.exchange import Exchange
from api.negotiation import best
from api.query import bad_parameter, parse_uuid
from api.strict_json import decode
from commands.outcomes import (
    BodyTooLarge,
    ConditionFailed,
    Forbidden,
    Malformed,
    NotAcceptable,
    Outcome,
    Unauthenticated,
    UnsupportedMediaType,
)
from commands.preconditions import Preconditions, Verdict, evaluate
from domain.stream import Actor, Role

T = TypeVar("T")
_Unread = Malformed | BodyTooLarge | NotAcceptable | UnsupportedMediaType

JSON_ONLY = (ContentKind.JSON,)
MERGE_PATCH = (ContentKind.MERGE_PATCH, ContentKind.JSON)
JSON_OR_FORM = (ContentKind.JSON, ContentKind.FORM)

_AVAILABLE = ("application/json",)
_NOTHING = (b"", b"{}")


def check_headers(
    exchange: Exchange, accepts: tuple[ContentKind, ...], *, max_bytes: int | None = None
) -> ContentKind | UnsupportedMediaType | BodyTooLarge | Malformed | NotAcceptable:
    """Check what the header fields say of the body that comes and of the answer wanted.

    `max_bytes` is that of this body, where it is not the one of all others.
    """
    kind = check_body_headers(
        exchange.headers,
        method=exchange.method,
        accepts=accepts,
        max_bytes=exchange.services.max_body_bytes if max_bytes is None else max_bytes,
    )
    if not isinstance(kind, ContentKind):
        return kind
    return not_acceptable(exchange) or kind


def not_acceptable(exchange: Exchange) -> NotAcceptable | None:
    """Say that the client takes no JSON, or nothing."""
    chosen = best(exchange.headers, _AVAILABLE)
    return chosen if isinstance(chosen, NotAcceptable) else None


def refused_headers(
    exchange: Exchange,
    accepts: tuple[ContentKind, ...] | None,
    conditions: Preconditions | Malformed,
) -> Outcome | None:
    """Judge the header fields of a change, once the caller is known to be allowed.

    `accepts` is None where the request takes no body.
    """
    kind = not_acceptable(exchange) if accepts is None else check_headers(exchange, accepts)
    if kind is not None and not isinstance(kind, ContentKind):
        return kind
    return conditions if isinstance(conditions, Malformed) else None


async def read_json(exchange: Exchange, type_: type[T]) -> T | Malformed | BodyTooLarge:
    """Read and decode a JSON body."""
    body = await exchange.body()
    return body if isinstance(body, BodyTooLarge) else decode(body, type_)


async def read_checked(exchange: Exchange, type_: type[T]) -> T | _Unread:
    """Read a JSON body of a request that says nothing before its body."""
    kind = check_headers(exchange, JSON_ONLY)
    return await read_json(exchange, type_) if isinstance(kind, ContentKind) else kind


def address_fault(exchange: Exchange, email: str) -> Malformed | None:
    """Say that a text is no email address, or nothing."""
    fault = exchange.services.email_fault(email)
    return (
        None if fault is None else Malformed("invalid_body", f"email: The text {fault}.", "email")
    )


async def required_actor(exchange: Exchange, deed: str) -> Actor | Unauthenticated:
    """Find out who asks, where somebody must."""
    return await exchange.actor() or Unauthenticated(f"{deed} needs an access token.")


async def required_role(
    exchange: Exchange, deed: str, refusal: Forbidden, *roles: Role
) -> Actor | Unauthenticated | Forbidden:
    """Find out who asks, where only those may who have one of the roles."""
    return with_role(await exchange.actor(), deed, refusal, *roles)


def with_role(
    actor: Actor | Unauthenticated | None, deed: str, refusal: Forbidden, *roles: Role
) -> Actor | Unauthenticated | Forbidden:
    """Give who asks if they have one of the roles, and otherwise the refusal."""
    if actor is None or isinstance(actor, Unauthenticated):
        return actor or Unauthenticated(f"{deed} needs an access token.")
    return actor if actor.has(*roles) else refusal


async def read_nothing(exchange: Exchange) -> Malformed | BodyTooLarge | None:
    """Make sure that a request which takes no body has none; an empty object counts as none."""
    body = await exchange.body()
    if isinstance(body, BodyTooLarge):
        return body
    if body.strip() not in _NOTHING:
        return Malformed("invalid_body", "This request takes no body.")
    return None


def condition_failed(exchange: Exchange) -> Outcome | None:
    """Judge the preconditions of a change to what exists and has no tag: `If-Match: *` alone holds.

    Nothing is changed under a condition that is not met, so they are not ignored.
    """
    conditions = parse_conditions(exchange.headers)
    if isinstance(conditions, Malformed):
        return conditions
    verdict = evaluate(conditions, tag=None, modified=None, safe=False)
    return None if verdict is Verdict.PROCEED else ConditionFailed()


def id_in_path(exchange: Exchange, name: str) -> UUID | Malformed:
    """Read an id from the path."""
    found = parse_uuid(exchange.parameter(name))
    if found is None:
        thing = name.removesuffix("_id")
        return Malformed("bad_id", f"The id of the {thing} in the path is not a UUID.")
    return found


def no_query(exchange: Exchange) -> Outcome | None:
    """Refuse query parameters where none has a meaning."""
    if exchange.query:
        return bad_parameter(None, "This address takes no parameters.")
    return None
