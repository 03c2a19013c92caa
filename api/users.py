"""The accounts, for administrators."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, get, post

from api.account_bodies import UserPage, user_body
from api.account_requests import ChangeRoles as AskedRoles
from api.answer import Answer
from api.conditional import parse_conditions
from api.content import ContentKind
from api.cursor import Cursor, decode_cursor, encode_cursor
from api.exchange import Exchange
from api.likely import as_likely
from api.me import UNSEEN_BY_CACHES
from api.query import parse_limit, parse_query
from api.requests import (
    JSON_ONLY,
    address_fault,
    check_headers,
    id_in_path,
    no_query,
    not_acceptable,
    read_json,
    read_nothing,
)
from api.responses import PRIVATE, respond
from api.route_table import takes
from commands.accounts import ACCOUNT_NOT_FOUND, ChangeAsked, change_account
from commands.outcomes import (
    Erased,
    Forbidden,
    Found,
    Malformed,
    NotModified,
    Outcome,
    StaleVersion,
    Unauthenticated,
)
from commands.preconditions import Verdict, evaluate
from domain.account_decisions import AccountCommand, ChangeRoles, Disable, Enable
from domain.stream import Actor, Role
from projections.accounts import AccountRow, AccountView

Incoming = Request[Any, Any, Any]

_LIST = "users"
_PARAMETERS = frozenset({"cursor", "email", "limit"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_VARY = "Accept, Authorization"
_ADMINS_ALONE = Forbidden("Only admins may see and change the accounts of others.")

_encode = msgspec.json.Encoder().encode
_view = AccountView()


@get("/users")
async def list_users(request: Incoming) -> Answer:
    """List the accounts, the newest first; with `email`, the one that has this address."""
    exchange = Exchange.of(request.scope)
    return respond(await _list(exchange), exchange)


@get("/users/{user_id:str}")
async def read(request: Incoming) -> Answer:
    """Read an account; one's own, or as an admin any."""
    exchange = Exchange.of(request.scope)
    return respond(await _read(exchange), exchange)


@post("/users/{user_id:str}/disable", status_code=200)
async def disable(request: Incoming) -> Answer:
    """Shut an account: its sessions end, and nobody signs in to it."""
    return await _plain(request, Disable(), "DisableAccount")


@post("/users/{user_id:str}/enable", status_code=200)
async def enable(request: Incoming) -> Answer:
    """Open a shut account again; sessions that ended stay so."""
    return await _plain(request, Enable(), "EnableAccount")


@post("/users/{user_id:str}/role", status_code=200, opt=takes(*JSON_ONLY))
async def change_roles(request: Incoming) -> Answer:
    """Give an account these roles and no others."""
    exchange = Exchange.of(request.scope)

    async def attempt(actor: Actor | Unauthenticated | None) -> Outcome:
        user_id = _admin_of(exchange, actor)
        if not isinstance(user_id, UUID):
            return user_id
        kind = check_headers(exchange, JSON_ONLY)
        if not isinstance(kind, ContentKind):
            return kind
        asked = await read_json(exchange, AskedRoles)
        if not isinstance(asked, AskedRoles):
            return asked
        return await _change(exchange, user_id, ChangeRoles(asked.roles), "ChangeAccountRoles")

    return respond(await as_likely(exchange, attempt), exchange)


HANDLERS = (list_users, read, disable, enable, change_roles)


async def _plain(request: Incoming, command: AccountCommand, name: str) -> Answer:
    exchange = Exchange.of(request.scope)

    async def attempt(actor: Actor | Unauthenticated | None) -> Outcome:
        user_id = _admin_of(exchange, actor)
        if not isinstance(user_id, UUID):
            return user_id
        return not_acceptable(exchange) or await _change(
            exchange, user_id, command, name, read_body=True
        )

    return respond(await as_likely(exchange, attempt), exchange)


def _admin_of(exchange: Exchange, actor: Actor | Unauthenticated | None) -> UUID | Outcome:
    """Give the id in the path, if whoever asks may change that account."""
    if actor is None or isinstance(actor, Unauthenticated):
        return actor or Unauthenticated("Changing an account needs an access token.")
    if not actor.has(Role.ADMIN):
        return _ADMINS_ALONE
    return id_in_path(exchange, "user_id")


async def _change(
    exchange: Exchange,
    user_id: UUID,
    command: AccountCommand,
    name: str,
    *,
    read_body: bool = False,
) -> Outcome:
    conditions = parse_conditions(exchange.headers)
    if isinstance(conditions, Malformed):
        return conditions

    async def check() -> Outcome | None:
        return await read_nothing(exchange) if read_body else None

    assert exchange.signed_in is not None  # noqa: S101 - an admin, as was checked
    actor = exchange.signed_in.actor(enforced=exchange.services.second_factor_enforced)
    return await change_account(
        exchange.services.identity.accounts,
        exchange.caller(actor, name),
        user_id,
        command,
        ChangeAsked(conditions=conditions, check=check),
    )


async def _read(exchange: Exchange) -> Outcome:
    actor = await exchange.actor()
    if actor is None or isinstance(actor, Unauthenticated):
        return actor or Unauthenticated("Reading an account needs an access token.")
    user_id = id_in_path(exchange, "user_id")
    if isinstance(user_id, Malformed):
        return user_id
    if actor.account_id != user_id and not actor.has(Role.ADMIN):
        return _ADMINS_ALONE
    refused = no_query(exchange) or not_acceptable(exchange)
    if refused is not None:
        return refused
    conditions = parse_conditions(exchange.headers)
    if isinstance(conditions, Malformed):
        return conditions
    account = await exchange.services.account_queries.by_id(user_id)
    if account is None:
        return ACCOUNT_NOT_FOUND
    people = await exchange.services.identity.people.of([user_id])
    if account.erased or user_id not in people:
        return Erased()
    current = _view.tag(account.version)
    match evaluate(conditions, tag=current, modified=_NEVER, safe=True):
        case Verdict.NOT_MODIFIED:
            return NotModified(current, PRIVATE, _VARY)
        case Verdict.FAILED:
            return StaleVersion(current, _view.history(user_id))
        case Verdict.PROCEED:
            body = _encode(user_body(account, people[user_id]))
            return Found(body, current, None, PRIVATE, _VARY)


async def _list(exchange: Exchange) -> Outcome:
    actor = await exchange.actor()
    if actor is None or isinstance(actor, Unauthenticated):
        return actor or Unauthenticated("Listing the accounts needs an access token.")
    if not actor.has(Role.ADMIN):
        return _ADMINS_ALONE
    parameters = parse_query(exchange.query, _PARAMETERS)
    if isinstance(parameters, Malformed):
        return parameters
    limit = parse_limit(parameters.get("limit"))
    if isinstance(limit, Malformed):
        return limit
    cursor = _cursor_in(parameters.get("cursor"))
    if isinstance(cursor, Malformed):
        return cursor
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    accounts = await _accounts(exchange, parameters.get("email"), limit, cursor)
    if isinstance(accounts, Malformed):
        return accounts
    people = await exchange.services.identity.people.of([account.id for account in accounts])
    following = None
    if len(accounts) > limit:
        accounts = accounts[:limit]
        following = _cursor_after(accounts[-1])
    items = [user_body(account, people[account.id]) for account in accounts if account.id in people]
    links = [_link("first", limit, None)]
    if following is not None:
        links.append(_link("next", limit, following))
    return Found(_encode(UserPage(items, following)), None, None, *UNSEEN_BY_CACHES, tuple(links))


async def _accounts(
    exchange: Exchange, email: str | None, limit: int, cursor: Cursor | None
) -> list[AccountRow] | Malformed:
    """Give one account more than the page holds, which tells whether another page follows."""
    queries = exchange.services.account_queries
    if email is not None:
        fault = address_fault(exchange, email)
        if fault is not None:
            return Malformed("bad_parameter", fault.detail, "email")
        personal_data = exchange.services.identity.accounts.personal_data
        found = await queries.by_email(personal_data.email_hash(email))
        return [] if found is None else [found]
    before = None
    if cursor is not None:
        before = (_EPOCH + cursor.micros * _MICROSECOND, cursor.id)
    return [*await queries.page(limit + 1, before)]


def _cursor_in(text: str | None) -> Cursor | Malformed | None:
    return None if text is None else decode_cursor(text, of_list=_LIST)


def _cursor_after(account: AccountRow) -> str:
    micros = (account.created_at - _EPOCH) // _MICROSECOND
    return encode_cursor(Cursor(micros, account.id), of_list=_LIST)


def _link(relation: str, limit: int, cursor: str | None) -> str:
    query: dict[str, str | int] = {"limit": limit}
    if cursor is not None:
        query["cursor"] = cursor
    return f'</users?{urlencode(query)}>; rel="{relation}"'
