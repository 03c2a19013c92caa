"""Every projection there is: its tables, its schema version, and what its events write.

Order matters only within a stream, and every row belongs to one stream, so a projection's states
are kept for each stream by itself and streams may be folded apart. Whatever reads this table of
projections (the append, the projector, the rebuild, the verification) agrees on what they are.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from domain import account, file, job, post, redirect, webhook
from domain import clicks as click_events
from projections import accounts, activity, clicks, files, jobs, posts, redirects, search, webhooks
from projections.write import Table, Write


def _nothing_more(_before: object, _event: object, _after: object) -> Iterable[Write]:
    return ()


class Projection(Struct, frozen=True):
    """A named set of tables, and the fold that writes them. Pure; it never rejects an event.

    The states are typed `Any`: each projection has its own, and who runs it never looks inside.
    """

    name: str
    schema_version: int
    """Grows with every change to the form or the meaning of what is written."""
    tables: tuple[Table, ...]
    category: str
    """Of the streams that it reads."""
    inline: bool
    """Whether its rows are written in the transaction of the events, or by the projector."""
    evolve: Callable[..., Any]
    """`(state | None, event, *, id, version, at) -> state`, for each stream by itself."""
    shows: Callable[[Any], Iterable[Write]]
    """The rows that a state asks for, whatever came before it; those of the last state count."""
    leaves: Callable[[Any, Any, Any], Iterable[Write]] = _nothing_more
    """The rows that an event leaves behind, given the state before, the event, the state after."""

    def fold(self, before: Any, event: Any, after: Any) -> Iterable[Write]:  # noqa: ANN401 - see above
        """Say what one event writes. Of several writes of one row the last counts."""
        yield from self.leaves(before, event, after)
        yield from self.shows(after)


_ALL = (
    Projection(
        name="posts",
        schema_version=posts.SCHEMA_VERSION,
        tables=(posts.POSTS, posts.FORMER_SLUGS),
        category=post.STREAM_CATEGORY,
        inline=True,
        evolve=post.evolve,
        shows=posts.shows,
        leaves=posts.leaves,
    ),
    Projection(
        name="accounts",
        schema_version=accounts.SCHEMA_VERSION,
        tables=(accounts.ACCOUNTS,),
        category=account.STREAM_CATEGORY,
        inline=True,
        evolve=account.evolve,
        shows=accounts.fold,
    ),
    Projection(
        name="files",
        schema_version=files.SCHEMA_VERSION,
        tables=(files.FILES, files.FILE_BLOBS),
        category=file.STREAM_CATEGORY,
        inline=True,
        evolve=file.evolve,
        shows=files.shows,
        leaves=files.leaves,
    ),
    Projection(
        name="jobs",
        schema_version=jobs.SCHEMA_VERSION,
        tables=(jobs.JOBS,),
        category=job.STREAM_CATEGORY,
        inline=True,
        evolve=job.evolve,
        shows=jobs.shows,
    ),
    Projection(
        name="activity",
        schema_version=activity.SCHEMA_VERSION,
        tables=(activity.ACTIVITY,),
        category=post.STREAM_CATEGORY,
        inline=False,
        evolve=activity.evolve,
        shows=activity.shows,
        leaves=activity.leaves,
    ),
    Projection(
        name="search",
        schema_version=search.SCHEMA_VERSION,
        tables=(search.POST_SEARCH,),
        category=post.STREAM_CATEGORY,
        inline=False,
        evolve=post.evolve,
        shows=search.shows,
    ),
    Projection(
        name="redirects",
        schema_version=redirects.SCHEMA_VERSION,
        tables=(redirects.REDIRECTS,),
        category=redirect.STREAM_CATEGORY,
        inline=True,
        evolve=redirect.evolve,
        shows=redirects.shows,
    ),
    Projection(
        name="webhooks",
        schema_version=webhooks.SCHEMA_VERSION,
        tables=(webhooks.WEBHOOKS,),
        category=webhook.STREAM_CATEGORY,
        inline=True,
        evolve=webhook.evolve,
        shows=webhooks.shows,
    ),
    Projection(
        name="clicks",
        schema_version=clicks.SCHEMA_VERSION,
        tables=(clicks.CLICKS,),
        category=click_events.STREAM_CATEGORY,
        inline=False,
        evolve=click_events.evolve,
        shows=clicks.shows,
        leaves=clicks.leaves,
    ),
)

PROJECTIONS: Mapping[str, Projection] = MappingProxyType(
    {projection.name: projection for projection in _ALL}
)
"""By name."""
