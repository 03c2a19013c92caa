"""A post as it was: at a version, at a time, and the list of what happened to it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from commands.ports import EventStore, Recorded
from domain import post
from domain.post import Post


async def at_version(store: EventStore, post_id: UUID, version: int) -> Post | None:
    """Give the post as it stood after its event of this version; None where there is none."""
    history = await store.read_stream(post.stream(post_id))
    return None if version > len(history) else _fold(history[:version], post_id)


async def as_of(store: EventStore, post_id: UUID, moment: datetime) -> Post | None:
    """Give the post as it stood at a moment, inclusive; None before it began."""
    history = await store.read_stream(post.stream(post_id))
    return _fold([recorded for recorded in history if recorded.at <= moment], post_id)


def _fold(history: Sequence[Recorded], post_id: UUID) -> Post | None:
    state: Post | None = None
    for recorded in history:
        state = post.evolve(
            state,
            recorded.event,  # type: ignore[arg-type]  # a post's stream holds posts' events
            id=post_id,
            version=recorded.version,
            at=recorded.at,
        )
    return state
