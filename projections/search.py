"""Full-text search over published posts: shape, fold, schema version and queries.

Run by the projector. What may be shown is always decided by the post's row in `posts`, which is
never behind; this table only says what matches. The matching itself is PostgreSQL's: the generated
column `words`, the configuration and the function `search_posts` are in migration 0006.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from domain.post import Post, Status
from projections.coalesce import Coalescer
from projections.database import Database, load_queries
from projections.post_queries import PAGE_BYTES
from projections.write import Drop, Put, Table, Write

SCHEMA_VERSION = 1

POST_SEARCH = Table(
    "post_search",
    ("id", "version", "author_id", "published_at", "title", "content"),
    key_columns=1,
)
QUERIES = load_queries(Path(__file__).with_name("search.sql"))

INDEXED_BYTES = 150_000
"""Of a content, as UTF-8: PostgreSQL takes no more than 1 MB of words and places for one row, and
words with hyphens, addresses and files take twice their length and more."""

# Noncharacters of Unicode, which mean nothing in any text: they are taken out of what is indexed
# and stand in headlines where a match begins and ends.
BEGIN, END = "\ufdd0", "\ufdd1"
_SELECTORS = f'StartSel="{BEGIN}", StopSel="{END}"'
_TITLE_OPTIONS = f"HighlightAll=true, {_SELECTORS}"
_CONTENT_OPTIONS = (
    f'MaxFragments=2, MinWords=10, MaxWords=30, FragmentDelimiter=" … ", {_SELECTORS}'
)
# PostgreSQL has no way to store a NUL in text.
_LEFT_OUT = str.maketrans({"\x00": " ", BEGIN: " ", END: " "})


def shows(state: Post) -> Iterable[Write]:
    """Say what a state asks for: a row if everybody may read the post, and none otherwise."""
    published_at = state.published_at
    hidden = state.status is not Status.PUBLISHED or state.deleted or state.hold is not None
    if hidden or published_at is None:
        yield Drop(POST_SEARCH, (state.id,))
        return
    yield Put(
        POST_SEARCH,
        (
            state.id,
            state.version,
            state.author_id,
            published_at,
            state.title.translate(_LEFT_OUT),
            _indexed(state.content),
        ),
    )


def _indexed(content: str) -> str:
    text = content.translate(_LEFT_OUT)
    if len(text) * 4 <= INDEXED_BYTES:
        return text
    return text.encode()[:INDEXED_BYTES].decode(errors="ignore")


class Highlight(msgspec.Struct, frozen=True):
    """A piece of a post's text and where in it the words that were searched for stand."""

    text: str
    marks: list[tuple[int, int]]
    """Begin and end of each, counted in code points."""


class Highlights(msgspec.Struct, frozen=True):
    """Where a post has what was searched for."""

    title: Highlight
    content: Highlight


class Hit(NamedTuple):
    """The place of a post in the order of what was found: the best first, then by id."""

    score: int
    id: UUID


class Wanted(NamedTuple):
    """Which page of which search."""

    text: str
    after: Hit
    limit: int


class FoundPage(msgspec.Struct, frozen=True, gc=False):
    """A page of what was found."""

    digest: bytes
    """Of the ids, versions and scores on it, in order."""
    items: bytes
    """The posts as clients get them, each with its highlights, with commas between."""
    following: Hit | None
    """Where the next page begins; None when this one is the last."""


BEST = Hit(2**62, UUID(int=2**128 - 1))
"""Before the first place."""

_SEARCHES_AT_ONCE = 2
_MOST_EXCLUSIONS = 16

_encode = msgspec.json.Encoder().encode


class SearchQueries:
    """Searches the published posts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Few at a time: each keeps the database busy for long, and other reads shall not wait.
        self._pages: Coalescer[Wanted, FoundPage] = Coalescer(
            self._fetch, group=1, in_flight=_SEARCHES_AT_ONCE
        )

    async def page(self, wanted: Wanted) -> FoundPage:
        """Find posts by words, "phrases", `or` and -exclusions, the best first.

        Any text without NUL is a query, though perhaps one that finds nothing. A page ends early
        rather than grow past PAGE_BYTES.
        """
        page = await self._pages.get(wanted._replace(text=_bounded(wanted.text)))
        assert page is not None  # noqa: S101 - every page can be fetched, also an empty one
        return page

    async def _fetch(self, group: Sequence[Wanted]) -> dict[Wanted, FoundPage]:
        return {wanted: await self._page_of(*wanted) for wanted in group}

    async def _page_of(self, text: str, after: Hit, limit: int) -> FoundPage:
        hits = await self._database.fetch(QUERIES["found"], text, *after, limit + 1)
        chosen, following = _cut(hits, limit)
        ids = [hit[1] for hit in chosen]
        rows = await self._database.fetch(
            QUERIES["shown"], text, ids, _TITLE_OPTIONS, _CONTENT_OPTIONS
        )
        shown = {row[0]: row for row in rows}
        return FoundPage(
            blake2b(
                b"".join(
                    hit[0].to_bytes(8) + hit[1].bytes + shown[hit[1]][1].to_bytes(4)
                    for hit in chosen
                    if hit[1] in shown
                ),
                digest_size=16,
            ).digest(),
            b",".join(_item(shown[hit[1]]) for hit in chosen if hit[1] in shown),
            following,
        )


def _bounded(text: str) -> str:
    """Take away exclusions past a number: PostgreSQL fails where they exclude one another."""
    kept = text.split("-", _MOST_EXCLUSIONS)
    kept[-1] = kept[-1].replace("-", " ")
    return "-".join(kept)


def _cut(hits: Sequence[Any], limit: int) -> tuple[Sequence[Any], Hit | None]:
    """Cut rows of (score, id, size) to a page, and say where the next one begins."""
    size = 0
    for count, hit in enumerate(hits):
        size += hit[2]
        if count == limit or (size > PAGE_BYTES and count > 0):
            return hits[:count], Hit(hits[count - 1][0], hits[count - 1][1])
    return hits, None


def _item(row: Sequence[Any]) -> bytes:
    """Put the highlights into the post's own JSON, as its last member."""
    _, _, body, title, content = row
    highlights = None if title is None else Highlights(highlight(title), highlight(content))
    return b'%b,"highlights":%b}' % (body[:-1], _encode(highlights))


def highlight(headline: str) -> Highlight:
    """Turn a headline with BEGIN and END around each match into text and offsets."""
    text, marks = "", []
    for piece in headline.split(BEGIN):
        matched, end, rest = piece.partition(END)
        if end:
            marks.append((len(text), len(text) + len(matched)))
        text += matched + rest
    return Highlight(text, marks)
