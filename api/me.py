"""One's own account: to see it, its password, its sessions, and to have it erased."""

from datetime import UTC, timedelta
from typing import Any

import msgspec
from litestar import Request, delete, get, put

from api.account_bodies import ActivityList, me_body, session_list
from api.account_requests import ChangePassword
from api.answer import Answer
from api.conditional import parse_conditions
from api.exchange import Exchange
from api.likely import as_seen
from api.limited import limited
from api.query import parse_integer, parse_query
from api.requests import (
    JSON_ONLY,
    condition_failed,
    id_in_path,
    no_query,
    not_acceptable,
    read_checked,
    read_nothing,
    required_actor,
)
from api.responses import UNSEEN_BY_CACHES, respond
from api.route_table import takes
from commands.erasing import erase
from commands.outcomes import Found, Malformed, Outcome, StaleVersion, Unauthenticated
from commands.password_change import NewPassword, change_password
from commands.preconditions import Verdict, evaluate
from commands.sessions import SESSION_NOT_FOUND, end_session
from domain.account import SessionEndedBy
from domain.stream import Actor
from projections.accounts import AccountView

Incoming = Request[Any, Any, Any]

DEFAULT_DAYS = 30
MOST_DAYS = 366
_ACTIVITY_PARAMETERS = frozenset({"days"})

_encode = msgspec.json.Encoder().encode
_view = AccountView()


@get("/me")
async def read(request: Incoming) -> Answer:
    """Read one's own account."""
    exchange = Exchange.of(request.scope)
    return respond(await _read(exchange), exchange)


@put("/me/password", status_code=200, opt=takes(*JSON_ONLY))
async def replace_password(request: Incoming) -> Answer:
    """Change one's password; every session but this one ends."""
    exchange = Exchange.of(request.scope)
    actor = await required_actor(exchange, "Changing a password")
    if isinstance(actor, Unauthenticated):
        return respond(actor, exchange)
    asked = await read_checked(exchange, ChangePassword)
    if not isinstance(asked, ChangePassword):
        return respond(asked, exchange)
    wanted = NewPassword(asked.current_password, asked.new_password)
    caller = exchange.caller(actor, "ChangePassword")
    identity = exchange.services.identity

    async def do() -> Outcome:
        return await change_password(identity, caller, exchange.session_id, wanted)

    return await limited(exchange, "password", str(actor.account_id), do)


@delete("/me", status_code=200)
async def remove(request: Incoming) -> Answer:
    """Erase the person for good: address, name, password, sessions. Posts stay, without a name."""
    exchange = Exchange.of(request.scope)

    async def attempt(actor: Actor | Unauthenticated | None) -> Outcome:
        return await _remove(exchange, actor)

    return respond(await as_seen(exchange, attempt), exchange)


@get("/me/sessions")
async def sessions(request: Incoming) -> Answer:
    """List one's sessions that live."""
    exchange = Exchange.of(request.scope)
    return respond(await _sessions(exchange), exchange)


@get("/me/activity")
async def activity(request: Incoming) -> Answer:
    """Tell what was done to one's posts, day by day (UTC); days without anything are left out."""
    exchange = Exchange.of(request.scope)
    return respond(await _activity(exchange), exchange)


@delete("/me/sessions/{session_id:str}", status_code=200)
async def end(request: Incoming) -> Answer:
    """End one of one's sessions."""
    exchange = Exchange.of(request.scope)
    return respond(await _end(exchange), exchange)


HANDLERS = (read, replace_password, remove, sessions, activity, end)


async def _read(exchange: Exchange) -> Outcome:
    actor = await required_actor(exchange, "Seeing one's account")
    if isinstance(actor, Unauthenticated):
        return actor
    refused = no_query(exchange) or not_acceptable(exchange)
    if refused is not None:
        return refused
    known, services = exchange.signed_in, exchange.services
    people = await services.identity.people.of([actor.account_id])
    if known is None or actor.account_id not in people:
        return Unauthenticated("The account is gone.", token_given=True)
    enforced = services.second_factor_enforced
    posts = await services.post_queries.counts(actor.account_id)
    body = me_body(known, people[actor.account_id], posts, enforced=enforced)
    return Found(_encode(body), None, None, *UNSEEN_BY_CACHES)


async def _remove(exchange: Exchange, actor: Actor | Unauthenticated | None) -> Outcome:
    if actor is None or isinstance(actor, Unauthenticated):
        return actor or Unauthenticated("Erasing an account needs an access token.")
    refused = no_query(exchange) or not_acceptable(exchange) or await read_nothing(exchange)
    if refused is not None:
        return refused
    known = exchange.signed_in
    conditions = parse_conditions(exchange.headers)
    if isinstance(conditions, Malformed):
        return conditions
    if known is not None:
        tag = _view.tag(known.account.version)
        created_at = known.account.created_at
        if evaluate(conditions, tag=tag, modified=created_at, safe=False) is not Verdict.PROCEED:
            return StaleVersion(tag, _view.history(actor.account_id))
    # Nothing undoes it, so the session must still live at the moment when it is done.
    caller = exchange.caller(actor, "EraseAccount")
    return await erase(exchange.services.identity, caller, actor.account_id)


async def _sessions(exchange: Exchange) -> Outcome:
    actor = await required_actor(exchange, "Seeing one's sessions")
    if isinstance(actor, Unauthenticated):
        return actor
    refused = no_query(exchange) or not_acceptable(exchange)
    if refused is not None:
        return refused
    store = exchange.services.identity.sessions.store
    alive = await store.alive(actor.account_id, exchange.now())
    body = session_list(alive, exchange.session_id)
    return Found(_encode(body), None, None, *UNSEEN_BY_CACHES)


async def _activity(exchange: Exchange) -> Outcome:
    actor = await required_actor(exchange, "Seeing one's activity")
    if isinstance(actor, Unauthenticated):
        return actor
    parameters = parse_query(exchange.query, _ACTIVITY_PARAMETERS)
    if isinstance(parameters, Malformed):
        return parameters
    days = parse_integer("days", parameters.get("days", str(DEFAULT_DAYS)), least=1, most=MOST_DAYS)
    if isinstance(days, Malformed):
        return days
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    since = exchange.now().astimezone(UTC).date() - timedelta(days=days - 1)
    found = await exchange.services.activity.days(actor.account_id, since)
    return Found(_encode(ActivityList(since, [*found])), None, None, *UNSEEN_BY_CACHES)


async def _end(exchange: Exchange) -> Outcome:
    actor = await required_actor(exchange, "Ending a session")
    if isinstance(actor, Unauthenticated):
        return actor
    session_id = id_in_path(exchange, "session_id")
    if isinstance(session_id, Malformed):
        return session_id
    refused = not_acceptable(exchange) or await read_nothing(exchange)
    if refused is not None:
        return refused
    failed = condition_failed(exchange)
    if failed is not None:
        store = exchange.services.identity.sessions.store
        found = await store.find(session_id)
        known = found is not None and found.account_id == actor.account_id
        return failed if known else SESSION_NOT_FOUND
    own = session_id == exchange.session_id
    by = SessionEndedBy.LOGOUT if own else SessionEndedBy.REVOKED
    caller = exchange.owner(actor, "EndSession")
    return await end_session(exchange.services.identity.sessions, caller, session_id, by)
