"""The requests that create and change posts. The order of checks is that of the HTTP contract.

To add one: a handler here, its command in `domain/post_decisions.py`, its line in
`api/operations.py`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from litestar import Request, delete, patch, post

from api.answer import Answer
from api.conditional import parse_conditions
from api.content import ContentKind
from api.exchange import Exchange
from api.forms import decode_create_form
from api.idempotency import Remember, once
from api.likely import as_likely
from api.post_requests import (
    CreatePost,
    PatchPost,
    PlaceLegalHold,
    RevertPost,
    SchedulePost,
    refuse_removal,
)
from api.requests import (
    JSON_ONLY,
    JSON_OR_FORM,
    MERGE_PATCH,
    check_headers,
    id_in_path,
    read_json,
    read_nothing,
    refused_headers,
)
from api.responses import respond
from api.route_table import direct, takes
from api.strict_json import decode
from commands.aggregate import Loaded
from commands.handle import Stop
from commands.outcomes import (
    BodyTooLarge,
    Created,
    Malformed,
    Outcome,
    SubmittedByForm,
    Unauthenticated,
)
from commands.post_history import at_version
from commands.posts import PostChange, Wish, change_post, create_post, may_create
from commands.preconditions import NO_PRECONDITIONS
from domain.post import Post, PostFiles
from domain.post_decisions import (
    Archive,
    Create,
    Delete,
    Edit,
    LiftHold,
    PlaceHold,
    PostCommand,
    Publish,
    Restore,
    Revert,
    Schedule,
    Unpublish,
)
from domain.stream import Actor

T = TypeVar("T")
Incoming = Request[Any, Any, Any]


# What the log calls the commands; the names are stored for ever.
_NAMES: Mapping[type[PostCommand], str] = {
    PlaceHold: "PlaceLegalHold",
    LiftHold: "LiftLegalHold",
}


async def create_answer(exchange: Exchange) -> Answer:
    """Answer POST /posts."""
    outcome = await as_likely(exchange, lambda actor: _create(exchange, actor))
    return respond(outcome, exchange)


async def edit_answer(exchange: Exchange) -> Answer:
    """Answer PATCH /posts/{post_id}."""
    wish = _from_json(exchange, PatchPost, _edit)
    return await _change(exchange, Edit, wish, accepts=MERGE_PATCH, must_match=True)


@post("/posts", opt=takes(*JSON_OR_FORM) | direct(create_answer))
async def create(request: Incoming) -> Answer:
    """Create a draft, or a scheduled post where a time is given."""
    return await create_answer(Exchange.of(request.scope))


@patch("/posts/{post_id:str}", opt=takes(*MERGE_PATCH) | direct(edit_answer))
async def edit(request: Incoming) -> Answer:
    """Change the members given; If-Match is required."""
    return await edit_answer(Exchange.of(request.scope))


@delete("/posts/{post_id:str}", status_code=200)
async def remove(request: Incoming) -> Answer:
    """Delete the post, in a way that can be undone."""
    return await _plain(request, Delete())


@post("/posts/{post_id:str}/restore", status_code=200)
async def restore(request: Incoming) -> Answer:
    """Bring a deleted post back."""
    return await _plain(request, Restore())


@post("/posts/{post_id:str}/publish", status_code=200)
async def publish(request: Incoming) -> Answer:
    """Make the post public now."""
    return await _plain(request, Publish())


@post("/posts/{post_id:str}/unpublish", status_code=200)
async def unpublish(request: Incoming) -> Answer:
    """Make the post a draft again."""
    return await _plain(request, Unpublish())


@post("/posts/{post_id:str}/archive", status_code=200)
async def archive(request: Incoming) -> Answer:
    """Put the post away."""
    return await _plain(request, Archive())


@post("/posts/{post_id:str}/schedule", status_code=200, opt=takes(*JSON_ONLY))
async def schedule(request: Incoming) -> Answer:
    """Have the post published at a time to come."""
    exchange = Exchange.of(request.scope)

    async def command(asked: SchedulePost, _: Loaded[Post]) -> PostCommand:
        return Schedule(asked.publish_at)

    return await _change(exchange, Schedule, _from_json(exchange, SchedulePost, command))


@post("/posts/{post_id:str}/revert", status_code=200, opt=takes(*JSON_ONLY))
async def revert(request: Incoming) -> Answer:
    """Take title, content and category from an earlier version."""
    exchange = Exchange.of(request.scope)

    async def command(asked: RevertPost, now: Loaded[Post]) -> PostCommand:
        assert now.state is not None  # noqa: S101 - only an existing post is changed
        store = exchange.services.ledger.store
        return Revert(asked.version, await at_version(store, now.state.id, asked.version))

    return await _change(exchange, Revert, _from_json(exchange, RevertPost, command))


@post("/posts/{post_id:str}/legal-hold", status_code=200, opt=takes(*JSON_ONLY))
async def place_hold(request: Incoming) -> Answer:
    """Block the post on a legal demand."""
    exchange = Exchange.of(request.scope)

    async def command(asked: PlaceLegalHold, _: Loaded[Post]) -> PostCommand:
        return PlaceHold(asked.reason, asked.blocked_by)

    return await _change(exchange, PlaceHold, _from_json(exchange, PlaceLegalHold, command))


@delete("/posts/{post_id:str}/legal-hold", status_code=200)
async def lift_hold(request: Incoming) -> Answer:
    """End the block."""
    return await _plain(request, LiftHold())


HANDLERS = (
    create,
    edit,
    remove,
    restore,
    publish,
    unpublish,
    archive,
    schedule,
    revert,
    place_hold,
    lift_hold,
)


async def _create(exchange: Exchange, actor: Actor | Unauthenticated | None) -> Outcome:
    if isinstance(actor, Unauthenticated):
        return actor
    denied = may_create(actor)
    if denied is not None or actor is None:
        return denied or Unauthenticated("Creating a post needs an access token.")
    kind = check_headers(exchange, JSON_OR_FORM)
    if not isinstance(kind, ContentKind):
        return kind
    body = await exchange.body()
    if isinstance(body, BodyTooLarge):
        return body
    by_form = kind is ContentKind.FORM
    asked = decode_create_form(body) if by_form else decode(body, CreatePost)
    if isinstance(asked, Malformed):
        return asked

    async def do(remember: Remember | None) -> Outcome:
        outcome = await _create_post(exchange, actor, asked, remember)
        if by_form and isinstance(outcome, Created):
            return SubmittedByForm(outcome.resource)
        return outcome

    return await once(exchange, actor.account_id, body, 303 if by_form else 201, do)


async def _create_post(
    exchange: Exchange, actor: Actor, asked: CreatePost, remember: Remember | None
) -> Outcome:
    services = exchange.services
    command = Create(
        post_id=services.new_id(),
        author_id=actor.account_id,
        title=asked.title,
        content=asked.content,
        category=asked.category,
        slug=asked.slug,
        publish_at=asked.publish_at,
        files=PostFiles(asked.cover_image, asked.attachments or ()),
    )
    caller = exchange.caller(actor, "CreatePost")
    ledger, posts, files = services.ledger, services.posts, services.file_queries
    return await create_post(ledger, posts, files, caller, command, remember)


async def _edit(asked: PatchPost, _: Loaded[Post]) -> PostCommand | Stop:
    refused = refuse_removal(asked)
    if refused is not None:
        return Stop(refused)
    return Edit(
        title=asked.title,  # type: ignore[arg-type]  # null was refused above
        content=asked.content,  # type: ignore[arg-type]  # likewise
        category=asked.category,  # type: ignore[arg-type]  # likewise
        slug=asked.slug,  # type: ignore[arg-type]  # likewise
        publish_at=asked.publish_at,
        cover_image=asked.cover_image,
        attachments=() if asked.attachments is None else asked.attachments,
    )


async def _plain(request: Incoming, command: PostCommand) -> Answer:
    """Answer a request that is all said by its method and path."""
    exchange = Exchange.of(request.scope)

    async def wish(_: Loaded[Post]) -> PostCommand | Stop:
        refused = await read_nothing(exchange)
        return command if refused is None else Stop(refused)

    return await _change(exchange, type(command), wish, accepts=None)


def _from_json(
    exchange: Exchange,
    type_: type[T],
    command: Callable[[T, Loaded[Post]], Awaitable[PostCommand | Stop]],
) -> Wish:
    """Make the command from a JSON body, read when its turn has come."""

    async def wish(loaded: Loaded[Post]) -> PostCommand | Stop:
        asked = await read_json(exchange, type_)
        if isinstance(asked, Malformed | BodyTooLarge):
            return Stop(asked)
        return await command(asked, loaded)

    return wish


async def _change(
    exchange: Exchange,
    kind: type[PostCommand],
    wish: Wish,
    *,
    accepts: tuple[ContentKind, ...] | None = JSON_ONLY,
    must_match: bool = False,
) -> Answer:
    async def attempt(actor: Actor | Unauthenticated | None) -> Outcome:
        return await _change_as(actor, exchange, kind, wish, accepts, must_match=must_match)

    return respond(await as_likely(exchange, attempt), exchange)


async def _change_as(
    actor: Actor | Unauthenticated | None,
    exchange: Exchange,
    kind: type[PostCommand],
    wish: Wish,
    accepts: tuple[ContentKind, ...] | None,
    *,
    must_match: bool,
) -> Outcome:
    if actor is None or isinstance(actor, Unauthenticated):
        return actor or Unauthenticated("Changing a post needs an access token.")
    post_id = id_in_path(exchange, "post_id")
    if isinstance(post_id, Malformed):
        return post_id
    conditions = parse_conditions(exchange.headers)

    services = exchange.services
    wanted = PostChange(
        kind=kind,
        wish=wish,
        check=lambda: refused_headers(exchange, accepts, conditions),
        conditions=NO_PRECONDITIONS if isinstance(conditions, Malformed) else conditions,
        must_match=must_match,
    )
    caller = exchange.caller(actor, _NAMES.get(kind, f"{kind.__name__}Post"))
    ledger, posts, files = services.ledger, services.posts, services.file_queries
    return await change_post(ledger, posts, files, caller, post_id, wanted)
