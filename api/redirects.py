"""Managed redirects for operators. How the old paths themselves answer is in `api/elsewhere.py`."""

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, delete, get, patch, post
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import force_setattr

from api.answer import Answer
from api.conditional import parse_conditions, shown
from api.content import ContentKind
from api.elsewhere import taken_by
from api.exchange import Exchange
from api.likely import as_likely
from api.pages import page_answer, parse_page
from api.requests import (
    JSON_ONLY,
    MERGE_PATCH,
    id_in_path,
    no_query,
    not_acceptable,
    read_checked,
    read_json,
    read_nothing,
    refused_headers,
    required_role,
    with_role,
)
from api.responses import PRIVATE, VARY, respond
from api.route_table import takes
from commands.handle import Stop
from commands.outcomes import (
    BodyTooLarge,
    Forbidden,
    Malformed,
    Outcome,
    Unauthenticated,
)
from commands.preconditions import NO_PRECONDITIONS
from commands.redirects import (
    REDIRECT_NOT_FOUND,
    NewRedirect,
    RedirectChange,
    RedirectEdit,
    change_redirect,
    create_redirect,
)
from domain.redirect import Delete, Status
from domain.refusal import RejectedByValue
from domain.stream import Actor, Role
from projections.redirects import SCHEMA_VERSION, RedirectBody, RedirectView

Incoming = Request[Any, Any, Any]

_PATH = "/redirects"
_OPERATORS_ALONE = Forbidden("Only operators see and change redirects.")

Text = Annotated[str, Meta(min_length=1, max_length=2048)]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339, with an offset.")]

_view = RedirectView()


class CreateRedirect(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A new redirect to a path of this service, or to an https address on an allowed host."""

    path: Text
    target: Text
    status: Status = 302
    active_from: Moment | None = None
    active_until: Moment | None = None

    def __post_init__(self) -> None:
        _in_utc(self, "active_from", "activeFrom")
        _in_utc(self, "active_until", "activeUntil")


class PatchRedirect(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A merge patch (RFC 7396): what is absent stays; null takes away a time, and nothing else."""

    path: Text | UnsetType | None = UNSET
    target: Text | UnsetType | None = UNSET
    status: Status | UnsetType | None = UNSET
    active_from: Moment | UnsetType | None = UNSET
    active_until: Moment | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        _in_utc(self, "active_from", "activeFrom")
        _in_utc(self, "active_until", "activeUntil")


class RedirectPage(Struct, frozen=True, rename="camel"):
    """A page of redirects, the newest first."""

    items: list[RedirectBody]
    next_cursor: str | None
    """Where the next page begins; null on the last one."""


@get(_PATH)
async def list_redirects(request: Incoming) -> Answer:
    """List the managed redirects, the newest first."""
    exchange = Exchange.of(request.scope)
    return respond(await _list(exchange), exchange)


@post(_PATH, opt=takes(*JSON_ONLY))
async def create(request: Incoming) -> Answer:
    """Let a path at which nothing stands lead to another place; 302 unless said otherwise.

    A path is compared in its normal form: with escapes where they are needed and nowhere else.
    """
    exchange = Exchange.of(request.scope)
    return respond(await as_likely(exchange, lambda actor: _create(exchange, actor)), exchange)


@get(f"{_PATH}/{{redirect_id:str}}")
async def read(request: Incoming) -> Answer:
    """Read a managed redirect."""
    exchange = Exchange.of(request.scope)
    return respond(await _read(exchange), exchange)


@patch(f"{_PATH}/{{redirect_id:str}}", opt=takes(*MERGE_PATCH))
async def edit(request: Incoming) -> Answer:
    """Change the members given; If-Match is required."""
    exchange = Exchange.of(request.scope)

    async def wish() -> RedirectEdit | Stop:
        asked = await read_json(exchange, PatchRedirect)
        if isinstance(asked, Malformed | BodyTooLarge):
            return Stop(asked)
        refused = _refuse_removal(asked)
        if refused is not None:
            return Stop(refused)
        members = {name: getattr(asked, name) for name in asked.__struct_fields__}
        return RedirectEdit(**members)

    return await _change(exchange, "EditRedirect", wish, accepts=MERGE_PATCH, must_match=True)


@delete(f"{_PATH}/{{redirect_id:str}}", status_code=200)
async def remove(request: Incoming) -> Answer:
    """Let the path lead nowhere; the clicks that it had stay counted."""
    exchange = Exchange.of(request.scope)

    async def wish() -> Delete | Stop:
        refused = await read_nothing(exchange)
        return Delete() if refused is None else Stop(refused)

    return await _change(exchange, "DeleteRedirect", wish, accepts=None)


HANDLERS = (list_redirects, create, read, edit, remove)


async def _list(exchange: Exchange) -> Outcome:
    refused = await _refused(exchange)
    if refused is not None:
        return refused
    asked = parse_page(exchange, _PATH)
    if isinstance(asked, Malformed):
        return asked
    refused = not_acceptable(exchange)
    if refused is not None:
        return refused
    rows = await exchange.services.redirect_queries.page(asked.limit + 1, asked.before)
    page, following = asked.split(rows, lambda row: (row.created_at, row.id))
    items = b",".join(row.body for row in page)
    return page_answer(exchange, asked, items, following, schema=SCHEMA_VERSION)


async def _read(exchange: Exchange) -> Outcome:
    refused = await _refused(exchange)
    if refused is not None:
        return refused
    redirect_id = id_in_path(exchange, "redirect_id")
    if isinstance(redirect_id, Malformed):
        return redirect_id
    refused = no_query(exchange) or not_acceptable(exchange)
    if refused is not None:
        return refused
    row = await exchange.services.redirect_queries.by_id(redirect_id)
    if row is None:
        return REDIRECT_NOT_FOUND
    return shown(
        exchange,
        row.body,
        tag=_view.tag(row.version),
        modified=row.updated_at,
        caching=(PRIVATE, VARY),
        history=_view.history(redirect_id),
    )


async def _create(exchange: Exchange, actor: Actor | Unauthenticated | None) -> Outcome:
    asker = with_role(actor, "Creating a redirect", _OPERATORS_ALONE, Role.OPERATOR)
    if not isinstance(asker, Actor):
        return asker
    asked = await read_checked(exchange, CreateRedirect)
    if not isinstance(asked, CreateRedirect):
        return asked
    wanted = NewRedirect(
        asked.path, asked.target, asked.status, asked.active_from, asked.active_until
    )
    caller = exchange.caller(asker, "CreateRedirect")
    redirects = exchange.services.redirects
    return await create_redirect(redirects, taken_by(exchange.route_at), caller, wanted)


async def _change(
    exchange: Exchange,
    name: str,
    wish: Any,  # noqa: ANN401 - as in RedirectChange
    *,
    accepts: tuple[ContentKind, ...] | None,
    must_match: bool = False,
) -> Answer:
    async def attempt(actor: Actor | Unauthenticated | None) -> Outcome:
        asker = with_role(actor, "Changing a redirect", _OPERATORS_ALONE, Role.OPERATOR)
        if not isinstance(asker, Actor):
            return asker
        redirect_id = id_in_path(exchange, "redirect_id")
        if isinstance(redirect_id, Malformed):
            return redirect_id
        conditions = parse_conditions(exchange.headers)
        wanted = RedirectChange(
            wish=wish,
            check=lambda: refused_headers(exchange, accepts, conditions),
            conditions=NO_PRECONDITIONS if isinstance(conditions, Malformed) else conditions,
            must_match=must_match,
        )
        caller = exchange.caller(asker, name)
        redirects = exchange.services.redirects
        taken = taken_by(exchange.route_at)
        return await change_redirect(redirects, taken, caller, redirect_id, wanted)

    return respond(await as_likely(exchange, attempt), exchange)


async def _refused(exchange: Exchange) -> Outcome | None:
    deed = "Seeing the redirects"
    actor = await required_role(exchange, deed, _OPERATORS_ALONE, Role.OPERATOR)
    return None if isinstance(actor, Actor) else actor


def _refuse_removal(asked: PatchRedirect) -> RejectedByValue | None:
    for member in ("path", "target", "status"):
        if getattr(asked, member) is None:
            return RejectedByValue(
                "member_required",
                f"{member}: Every redirect has this member; null removes it.",
                member,
            )
    return None


def _in_utc(asked: Struct, name: str, shown: str) -> None:
    moment = getattr(asked, name)
    if isinstance(moment, datetime):
        try:
            force_setattr(asked, name, moment.astimezone(UTC))
        except OverflowError:
            # msgspec makes a validation error of it; the name first tells which member is meant.
            raise ValueError(f"`{shown}` must lie in the years 1 to 9999") from None
