"""The commands on posts, from a caller's wish to an outcome.

Who may is `domain/post_access.py`, what is allowed `domain/post_decisions.py`, the way through the
log `commands/handle.py`; here they are put together.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from commands.aggregate import Aggregate, Loaded, View
from commands.handle import (
    ATTEMPTS,
    Caller,
    Change,
    Ledger,
    Resting,
    Seen,
    Settled,
    Stop,
    change,
    create,
)
from commands.outcomes import (
    Changed,
    Contended,
    Created,
    Deleted,
    Forbidden,
    NotFound,
    Outcome,
    Representation,
    Unauthenticated,
    Unchanged,
)
from commands.ports import FirstAnswer
from commands.post_files import FileHeads, with_usable
from commands.preconditions import NO_PRECONDITIONS, Preconditions
from domain import post, post_access
from domain.claim import Claim
from domain.post import SLUG_SCOPE, Post, PostEvent
from domain.post_decisions import (
    Create,
    Delete,
    DropFiles,
    LiftHold,
    PlaceHold,
    PostCommand,
    PublishDue,
    Restore,
    decide,
)
from domain.refusal import Refusal, RejectedByState
from domain.stream import Actor, Role

POST_NOT_FOUND = NotFound("post_not_found")

Posts = Aggregate[Post, PostCommand]
Wish = Callable[[Loaded[Post]], Awaitable[PostCommand | Stop]]
"""Makes the command, reading the request's body where it has one."""


def posts(view: View[Post]) -> Posts:
    """Gather what the command loop needs to know of posts."""
    return Aggregate(
        category=post.STREAM_CATEGORY,
        evolve=post.evolve,  # type: ignore[arg-type]  # a post's stream holds posts' events
        decide=_decide,
        claims=post.claims,
        claim_taken=_slug_taken,
        view=view,
        weigh=_weigh,
    )


async def create_post(
    ledger: Ledger,
    aggregate: Posts,
    files: FileHeads,
    caller: Caller,
    command: Create,
    first_answer: Callable[[Representation], FirstAnswer] | None = None,
) -> Outcome:
    """Begin a post of the caller's, deciding anew where one of its files changes meanwhile."""
    rested: Seen = ()
    for _ in range(ATTEMPTS):
        told = await with_usable(files, None, command, caller.actor)
        told = told if isinstance(told, Resting) else Resting(told, ())
        settled = await create(
            ledger,
            aggregate,
            command.post_id,
            told.command,
            caller,
            first_answer,
            rested=told.seen,
        )
        if isinstance(settled, Settled):
            return Created(settled.resource)
        if not isinstance(settled, Contended) or told.seen == rested:
            return settled
        rested = told.seen
    return Contended()


def may_create(actor: Actor | None) -> Outcome | None:
    """Say why the caller may not begin a post, or nothing."""
    if actor is None:
        return Unauthenticated("Creating a post needs an access token.")
    if not actor.has(Role.AUTHOR):
        return Forbidden("Only authors create posts.")
    return None


class PostChange(msgspec.Struct, frozen=True):
    """A request to change a post by a command of one kind."""

    kind: type[PostCommand]
    wish: Wish
    """Makes the command; asked once the preconditions hold."""
    check: Callable[[], Outcome | None]
    """Says what else is wrong with the request; asked once the caller is known to be allowed."""
    conditions: Preconditions = NO_PRECONDITIONS
    must_match: bool = False


async def change_post(
    ledger: Ledger,
    aggregate: Posts,
    files: FileHeads,
    caller: Caller,
    post_id: UUID,
    wanted: PostChange,
) -> Outcome:
    """Change a post, as any command but Create asks."""
    actor = caller.actor
    if actor is None:
        return Unauthenticated("Changing a post needs an access token.")

    async def command(loaded: Loaded[Post]) -> PostCommand | Resting[PostCommand] | Stop:
        made = await wanted.wish(loaded)
        if isinstance(made, Stop):
            return made
        return await with_usable(files, loaded.state, made, actor)

    asked: Change[Post, PostCommand] = Change(
        caller=caller,
        permit=lambda state: _denied(state, actor, wanted.kind) or wanted.check(),
        missing=POST_NOT_FOUND,
        command=command,
        conditions=wanted.conditions,
        must_match=wanted.must_match,
    )
    settled = await change(ledger, aggregate, post_id, asked)
    if not isinstance(settled, Settled):
        return settled
    if wanted.kind is Delete:
        return Deleted()
    return Changed(settled.resource) if settled.appended else Unchanged(settled.resource)


async def publish_due(
    ledger: Ledger, aggregate: Posts, post_id: UUID, now: datetime
) -> Settled[Post] | Outcome:
    """Publish a scheduled post if its time has come; for the scheduler, which nobody asked."""

    async def wish(_: Loaded[Post]) -> PostCommand | Stop:
        return PublishDue()

    asked: Change[Post, PostCommand] = Change(
        caller=Caller(actor=None, at=now, command="PublishDuePost"),
        permit=lambda _: None,
        missing=POST_NOT_FOUND,
        command=wish,
    )
    return await change(ledger, aggregate, post_id, asked)


async def drop_files(
    ledger: Ledger, aggregate: Posts, caller: Caller, post_id: UUID, file_ids: frozenset[UUID]
) -> Settled[Post] | Outcome:
    """Show files no more in one post, whatever its state; nobody need be allowed to."""

    async def wish(_: Loaded[Post]) -> PostCommand | Stop:
        return DropFiles(file_ids)

    asked: Change[Post, PostCommand] = Change(
        caller=caller, permit=lambda _: None, missing=POST_NOT_FOUND, command=wish
    )
    return await change(ledger, aggregate, post_id, asked)


def _denied(state: Post, actor: Actor, kind: type[PostCommand]) -> Outcome | None:
    """Say why the actor may not, hiding what the actor may not see."""
    visible = post_access.may_see(actor, author_id=state.author_id, status=state.status)
    gone = state.deleted and kind is not Restore
    if gone or not visible or (state.deleted and not _may(actor, state, kind)):
        return POST_NOT_FOUND
    if not _may(actor, state, kind):
        return Forbidden("Only the post's author or an admin may do this.")
    return None


def _may(actor: Actor, state: Post, kind: type[PostCommand]) -> bool:
    if kind in {PlaceHold, LiftHold}:
        return post_access.may_hold(actor)
    return post_access.may_change(actor, author_id=state.author_id)


def _decide(
    state: Post | None, command: PostCommand, now: datetime
) -> tuple[PostEvent, ...] | Refusal:
    return decide(state, command, now=now)


def _slug_taken(claims: Sequence[Claim]) -> RejectedByState:
    # A use of a file is claimed under the post's own id, which nobody else takes.
    slug = next(claim.key for claim in claims if claim.scope == SLUG_SCOPE)
    return RejectedByState(
        error="slug_already_exists",
        detail="Another post has this slug. Give one of your own as `slug`, or change the title.",
        collides_with=slug,
    )


def _weigh(state: Post) -> int:
    # Four bytes a character is the most that Python uses; the rest is small.
    return 1000 + 4 * (len(state.content) + len(state.title))
