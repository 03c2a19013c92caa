"""The accounts, for administrators."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, get, post

from api.account_bodies import user_body
from api.account_requests import ChangeRoles as AskedRoles
from api.answer import Answer
from api.conditional import parse_conditions, shown
from api.content import ContentKind
from api.exchange import Exchange
from api.likely import as_likely
from api.pages import PageAsked, page_answer, parse_page
from api.requests import (
    JSON_ONLY,
    address_fault,
    id_in_path,
    no_query,
    not_acceptable,
    read_json,
    read_nothing,
    refused_headers,
    required_actor,
    required_role,
    with_role,
)
from api.responses import PRIVATE, VARY, respond
from api.route_table import takes
from commands.accounts import ACCOUNT_NOT_FOUND, ChangeAsked, Wish, change_account
from commands.handle import Stop
from commands.outcomes import (
    BodyTooLarge,
    Erased,
    Forbidden,
    Malformed,
    Outcome,
    Unauthenticated,
)
from commands.preconditions import NO_PRECONDITIONS
from domain.account_decisions import AccountCommand, ChangeRoles, Disable, Enable
from domain.stream import Actor, Role
from projections.accounts import SCHEMA_VERSION, AccountRow, AccountView

Incoming = Request[Any, Any, Any]

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

    async def wish(_: object) -> AccountCommand | Stop:
        asked = await read_json(exchange, AskedRoles)
        if isinstance(asked, Malformed | BodyTooLarge):
            return Stop(asked)
        return ChangeRoles(frozenset(asked.roles))

    return await _change(exchange, wish, "ChangeAccountRoles", accepts=JSON_ONLY)


HANDLERS = (list_users, read, disable, enable, change_roles)


async def _plain(request: Incoming, command: AccountCommand, name: str) -> Answer:
    exchange = Exchange.of(request.scope)

    async def wish(_: object) -> AccountCommand | Stop:
        refused = await read_nothing(exchange)
        return command if refused is None else Stop(refused)

    return await _change(exchange, wish, name, accepts=None)


async def _change(
    exchange: Exchange, wish: Wish, name: str, *, accepts: tuple[ContentKind, ...] | None
) -> Answer:
    async def attempt(actor: Actor | Unauthenticated | None) -> Outcome:
        return await _change_as(actor, exchange, wish, name, accepts)

    return respond(await as_likely(exchange, attempt), exchange)


async def _change_as(
    actor: Actor | Unauthenticated | None,
    exchange: Exchange,
    wish: Wish,
    name: str,
    accepts: tuple[ContentKind, ...] | None,
) -> Outcome:
    asker = with_role(actor, "Changing an account", _ADMINS_ALONE, Role.ADMIN)
    if not isinstance(asker, Actor):
        return asker
    user_id = id_in_path(exchange, "user_id")
    if isinstance(user_id, Malformed):
        return user_id
    conditions = parse_conditions(exchange.headers)

    asked = ChangeAsked(
        check=lambda: refused_headers(exchange, accepts, conditions),
        conditions=NO_PRECONDITIONS if isinstance(conditions, Malformed) else conditions,
    )
    accounts = exchange.services.identity.accounts
    return await change_account(accounts, exchange.caller(asker, name), user_id, wish, asked)


async def _read(exchange: Exchange) -> Outcome:
    actor = await required_actor(exchange, "Reading an account")
    if isinstance(actor, Unauthenticated):
        return actor
    user_id = id_in_path(exchange, "user_id")
    if isinstance(user_id, Malformed):
        return user_id
    if actor.account_id != user_id and not actor.has(Role.ADMIN):
        return _ADMINS_ALONE
    refused = no_query(exchange) or not_acceptable(exchange)
    if refused is not None:
        return refused
    account = await exchange.services.account_queries.by_id(user_id)
    if account is None:
        return ACCOUNT_NOT_FOUND
    people = await exchange.services.identity.people.of([user_id])
    if account.erased or user_id not in people:
        return Erased()
    return shown(
        exchange,
        _encode(user_body(account, people[user_id])),
        tag=_view.tag(account.version),
        modified=None,
        caching=(PRIVATE, VARY),
        history=_view.history(user_id),
    )


async def _list(exchange: Exchange) -> Outcome:
    actor = await required_role(exchange, "Listing the accounts", _ADMINS_ALONE, Role.ADMIN)
    if not isinstance(actor, Actor):
        return actor
    asked = parse_page(exchange, "/users", frozenset({"email"}))
    if isinstance(asked, Malformed):
        return asked
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    accounts = await _accounts(exchange, asked)
    if isinstance(accounts, Malformed):
        return accounts
    people = await exchange.services.identity.people.of([account.id for account in accounts])
    page, following = asked.split(accounts, lambda account: (account.created_at, account.id))
    items = b",".join(
        _encode(user_body(account, people[account.id])) for account in page if account.id in people
    )
    return page_answer(exchange, asked, items, following, schema=SCHEMA_VERSION)


async def _accounts(exchange: Exchange, asked: PageAsked) -> Sequence[AccountRow] | Malformed:
    queries = exchange.services.account_queries
    email = asked.filters.get("email")
    if email is None:
        return await queries.page(asked.limit + 1, asked.before)
    fault = address_fault(exchange, email)
    if fault is not None:
        return Malformed("bad_parameter", fault.detail, "email")
    personal_data = exchange.services.identity.accounts.personal_data
    found = await queries.by_email(personal_data.email_hash(email))
    return () if found is None else (found,)
