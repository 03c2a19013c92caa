"""A person's posts in parts: many to a file, as each file of a ZIP has its price.

A part is a JSON array of posts with their versions and a page with those posts whose last version
is in it. A post whose versions are too many for one part goes on in the next, under the same id: so
no more than a part is ever in memory, and each part can be read by itself.
"""

from collections.abc import Callable
from typing import cast
from uuid import UUID

import msgspec

from commands.ports import LogEntry
from domain import post
from domain.events import Event
from domain.post import Post, PostEvent
from projections.posts import body
from workers.export_pages import PostLine, post_article, posts_page
from workers.export_shapes import PostVersion

PART_BYTES = 1024 * 1024

_encode = msgspec.json.Encoder().encode


class PostPart(msgspec.Struct, frozen=True):
    """A part that is full."""

    number: int
    json: bytes
    html: bytes


class PostParts:
    """Folds events of posts, stream after stream, into parts."""

    def __init__(self, decode: Callable[[str, str], Event]) -> None:
        self._decode = decode
        self._number = 1
        self._latest: Post | None = None
        self._json: list[bytes] = []
        self._articles: list[str] = []
        self._size = 0
        self.lines: list[PostLine] = []
        """Of all posts that are whole."""

    def add(self, entry: LogEntry) -> PostPart | None:
        """Take the next event, and give the part that was full before it."""
        id_ = entry.stream.id
        before = self._latest
        if before is not None and before.id != id_:
            self._end_post(before)
            before = None
        part = self._take() if self._size >= PART_BYTES else None
        event = cast("PostEvent", self._decode(entry.type, entry.data))
        after = post.evolve(before, event, id=id_, version=entry.version, at=entry.at)
        version = _encode(
            PostVersion(
                version=entry.version,
                recorded_at=entry.at,
                event=entry.type,
                deleted=after.deleted,
                post=msgspec.Raw(body(after)),
            )
        )
        self._json += (self._between(before, id_), version)
        self._size += len(version)
        self._latest = after
        return part

    def last(self) -> PostPart | None:
        """Take the rest, after the last event; None where there is none."""
        if self._latest is not None:
            self._end_post(self._latest)
            self._latest = None
        return self._take() if self._json else None

    def _take(self) -> PostPart:
        html = posts_page(self._number, self._articles)
        part = PostPart(self._number, b"".join((*self._json, b"]}]")), html)
        self._number += 1
        self._json, self._articles, self._size = [], [], 0
        return part

    def _between(self, before: Post | None, id_: UUID) -> bytes:
        """Give what stands before a version: of the same post, of another, or first in its part."""
        if not self._json:
            return b'[{"id":"%b","versions":[' % str(id_).encode()
        if before is not None:
            return b","
        return b']},\n{"id":"%b","versions":[' % str(id_).encode()

    def _end_post(self, latest: Post) -> None:
        article = post_article(latest)
        self._articles.append(article)
        self._size += len(article)
        self.lines.append(
            PostLine(
                latest.id,
                self._number,
                latest.title,
                latest.status.value,
                latest.deleted,
                latest.version,
                latest.updated_at,
            )
        )
