"""What is in an export: everything of one person's, as it stood at one position of the log.

    manifest.json         the position, and the SHA-256 and size of every other file
    account.json          the account, with what is personal in the clear
    events/<part>.ndjson  every event of the person's account, files, posts and jobs, as stored
    media/<id>.<ext>      a file's bytes
    files.json            every file, with its name
    posts/<part>.json     posts in every version, many to a part
    posts/<part>.html     the same posts as they stand, to be read
    index.html            where a reader begins

All of it comes as an iterator of members, and no more than a few parts are in memory. Each event is
read once, and goes into all that it belongs to. The manifest is last, as it names what was written.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import cast
from uuid import UUID

import msgspec

from commands.exports import Extent, Listed, Member, PersonalHistory
from commands.file_store import Blob, BlobMissingError
from commands.log_entry import encode_entry
from commands.ports import LogEntry
from domain import account, file, job, post
from domain.account import Account, AccountEvent
from domain.events import Event
from domain.file import File, FileEvent
from workers.export_pages import index_page, posts_path
from workers.export_posts import PART_BYTES, PostPart, PostParts
from workers.export_shapes import FORMAT, AccountFile, FileEntry, Manifest, Omitted

PIECE_BYTES = 256 * 1024
_OPEN_AT_ONCE = 16
_PASSES = 3
"""About how often the bytes of an event come through, in one form or another."""

_encode = msgspec.json.Encoder().encode


Unsealing = Callable[[UUID, str, str], str]
"""Opens what was sealed for an event and a field."""


class Sources(msgspec.Struct, frozen=True):
    """Where the contents come from."""

    history: PersonalHistory
    decode: Callable[[str, str], Event]
    """Reads a stored event, from its tag and its text."""
    unsealing: Callable[[UUID], Awaitable[Unsealing | None]]
    """Gives what opens a person's sealed data; None once they are erased."""
    open_blob: Callable[[str], Awaitable[Blob]]
    is_deleted: Callable[[UUID], Awaitable[bool]]
    """Whether a file is deleted by now."""


class Order(msgspec.Struct, frozen=True):
    """Which export is wanted."""

    id: UUID
    owner_id: UUID
    position: int
    at: datetime


class NobodyError(Exception):
    """There is no such account at the position, or it is erased."""


class MediaMissingError(Exception):
    """The bytes of a file are not where they should be, or are others."""


class Contents:
    """The members of one export."""

    def __init__(
        self, sources: Sources, order: Order, progress: Callable[[int], Awaitable[None]]
    ) -> None:
        """Tell `progress` of percents, often."""
        self._sources = sources
        self._order = order
        self._progress = progress
        self._events_done = self._events_total = 0
        self._media_done = self._media_total = 0
        self._log_weight = 0
        self._extents: dict[str, Extent] = {}
        self._lines = _EventLines()
        self._account: Account | None = None
        self._names: dict[tuple[UUID, str], str] = {}
        self._files: dict[UUID, File] = {}
        self._first: dict[UUID, UUID] = {}
        """The first event of the account and of each file: what they have sealed is bound to it."""
        self._posts = PostParts(sources.decode)
        self._file_entries: list[FileEntry] = []
        self._omitted: list[Omitted] = []

    async def members(self, listed: Sequence[Listed]) -> AsyncGenerator[Member]:
        """Go through the members. Raises `NobodyError` and `MediaMissingError`.

        `listed` grows as they are written, and names all others when the last is asked for pieces.
        """
        history, order = self._sources.history, self._order
        for category in (post.STREAM_CATEGORY, file.STREAM_CATEGORY, job.STREAM_CATEGORY):
            self._extents[category] = await history.extent(order.owner_id, category, order.position)
        self._extents[account.STREAM_CATEGORY] = Extent([order.owner_id], 0, 0)
        async with aclosing(self._some_members()) as some:
            async for member in some:
                yield member
        yield Member("manifest.json", order.at, self._manifest(listed))

    async def _some_members(self) -> AsyncGenerator[Member]:
        async for member in self._log(account.STREAM_CATEGORY, self._fold_account):
            yield member
        about = await self._about()
        yield self._member("account.json", _encode(about))
        async for member in self._log(file.STREAM_CATEGORY, self._fold_file):
            yield member
        self._measure()
        self._names = await self._opened(
            (each.id, "name", each.name_sealed) for each in self._files.values() if not each.deleted
        )
        async with aclosing(self._media()) as media:
            async for member in self._log(post.STREAM_CATEGORY, self._fold_post):
                yield member
                # Between posts, so that files are hashed while the next posts are folded.
                while self._behind() and (each := await anext(media, None)) is not None:
                    yield each
            async for member in media:
                yield member
        for member in self._part(self._posts.last()):
            yield member
        async for member in self._log(job.STREAM_CATEGORY, _no_members):
            yield member
        if rest := self._lines.take():
            yield self._member(*rest)
        yield self._member("files.json", _encode(self._file_entries))
        yield self._member("index.html", _all(self._index(about)))

    async def _log(
        self, category: str, fold: Callable[[LogEntry], Sequence[Member]]
    ) -> AsyncGenerator[Member]:
        """Go through the events of a category; give the members that they fill."""
        ids = self._extents[category].ids
        async for page in self._sources.history.pages(category, ids, self._order.position):
            self._events_done += len(page)
            await self._tell()
            for entry in page:
                self._lines.add(encode_entry(entry))
                for member in fold(entry):
                    yield member
                if self._lines.size >= PART_BYTES and (part := self._lines.take()):
                    yield self._member(*part)

    def _measure(self) -> None:
        extents = self._extents.values()
        self._events_total = sum(extent.events for extent in extents)
        self._log_weight = _PASSES * sum(extent.size for extent in extents)
        self._media_total = sum(each.size for each in self._files.values() if not each.deleted)

    def _behind(self) -> bool:
        """Tell whether less of the files was given than of the log."""
        return self._media_done * self._events_total < self._events_done * self._media_total

    async def _tell(self) -> None:
        """Tell the progress, once it is known how much there is to do."""
        total = self._log_weight + self._media_total
        if total and self._events_total:
            log = self._log_weight * self._events_done / self._events_total
            await self._progress(min(99, int(100 * (log + self._media_done) / total)))

    def _member(self, path: str, pieces: bytes | Blob | AsyncIterator[bytes]) -> Member:
        return Member(path, self._order.at, pieces)

    def _fold_account(self, entry: LogEntry) -> Sequence[Member]:
        id_ = self._order.owner_id
        self._first.setdefault(id_, entry.event_id)
        event = cast("AccountEvent", self._event(entry))
        self._account = account.evolve(
            self._account, event, id=id_, version=entry.version, at=entry.at
        )
        return ()

    def _fold_file(self, entry: LogEntry) -> Sequence[Member]:
        id_ = entry.stream.id
        self._first.setdefault(id_, entry.event_id)
        event = cast("FileEvent", self._event(entry))
        self._files[id_] = file.evolve(
            self._files.get(id_), event, id=id_, version=entry.version, at=entry.at
        )
        return ()

    def _fold_post(self, entry: LogEntry) -> Sequence[Member]:
        return self._part(self._posts.add(entry))

    def _part(self, part: PostPart | None) -> Sequence[Member]:
        if part is None:
            return ()
        return (
            self._member(posts_path(part.number, "json"), part.json),
            self._member(posts_path(part.number, "html"), part.html),
        )

    async def _about(self) -> AccountFile:
        state = self._account
        if state is None or state.erased:
            raise NobodyError
        opened = await self._opened(
            [(state.id, "email", state.email_sealed), (state.id, "name", state.name_sealed)]
        )
        return AccountFile(
            id=state.id,
            email=opened.get((state.id, "email")),
            name=opened.get((state.id, "name")),
            roles=sorted(state.roles),
            disabled=state.disabled,
            second_factor=state.second_factor,
            created_at=state.created_at,
            version=state.version,
        )

    async def _media(self) -> AsyncGenerator[Member]:
        files = [*self._files.values()]
        for first in range(0, len(files), _OPEN_AT_ONCE):
            some = files[first : first + _OPEN_AT_ONCE]
            await self._tell()
            blobs = await self._blobs(some)
            try:
                for each in some:
                    member = self._medium(each, blobs.popleft())
                    if member is not None:
                        yield member
            finally:
                _close(blobs)

    def _medium(self, of: File, blob: Blob | None) -> Member | None:
        """Take note of a file, and give its bytes."""
        path = f"media/{of.id}.{of.mime.extension}"
        self._file_entries.append(
            FileEntry(
                id=of.id,
                path=None if blob is None else path,
                name=self._names.get((of.id, "name")),
                mime=of.mime.value,
                size=of.size,
                digest=of.digest,
                deleted=of.deleted,
                created_at=of.created_at,
            )
        )
        if blob is not None:
            self._media_done += blob.size
            return self._member(path, blob)
        if not of.deleted:
            reason = "It was deleted while the export was made."
            self._omitted.append(Omitted(path, reason))
        return None

    async def _blobs(self, files: Iterable[File]) -> deque[Blob | None]:
        """Open some files at once, as each way to the disk takes its time; all or none."""
        found = await asyncio.gather(*map(self._blob, files), return_exceptions=True)
        blobs = deque(each for each in found if not isinstance(each, BaseException))
        for failure in found:
            if isinstance(failure, BaseException):
                _close(blobs)
                raise failure
        return blobs

    async def _blob(self, of: File) -> Blob | None:
        """Open a file's bytes; None where it was deleted by now."""
        if of.deleted:
            return None
        try:
            return await self._sources.open_blob(of.digest)
        except BlobMissingError as error:
            if await self._sources.is_deleted(of.id):
                return None
            raise MediaMissingError(f"the bytes of file {of.id} are missing") from error

    def _index(self, about: AccountFile) -> Iterable[bytes]:
        facts = [
            ("Account", str(about.id)),
            ("Name", about.name or ""),
            ("Email", about.email or ""),
            ("Everything up to event", str(self._order.position)),
        ]
        return index_page(facts, self._posts.lines, self._file_entries)

    async def _manifest(self, listed: Sequence[Listed]) -> AsyncIterator[bytes]:
        written = {each.path: each.sha256 for each in listed}
        for each in self._file_entries:
            if each.path is not None and written[each.path] != each.digest:
                raise MediaMissingError(f"the bytes of file {each.id} are others")
        order = self._order
        yield _encode(
            Manifest(
                FORMAT, order.id, order.owner_id, order.position, order.at, listed, self._omitted
            )
        )

    def _event(self, entry: LogEntry) -> Event:
        return self._sources.decode(entry.type, entry.data)

    async def _opened(
        self, sealed: Iterable[tuple[UUID, str, str | None]]
    ) -> dict[tuple[UUID, str], str]:
        """Open what is sealed, by account or file and field; the key is not kept for longer."""
        unsealing = await self._sources.unsealing(self._order.owner_id)
        if unsealing is None:
            return {}
        return {
            (of, field): unsealing(self._first[of], field, text)
            for of, field, text in sealed
            if text is not None
        }


class _EventLines:
    """Events as lines, in parts."""

    def __init__(self) -> None:
        self._number = 0
        self._lines: list[bytes] = []
        self.size = 0

    def add(self, line: bytes) -> None:
        self._lines.append(line)
        self.size += len(line)

    def take(self) -> tuple[str, bytes] | None:
        """Take what was added, with its path; None where nothing was."""
        if not self._lines:
            return None
        self._number += 1
        part = b"\n".join((*self._lines, b""))
        self._lines, self.size = [], 0
        return f"events/{self._number:05}.ndjson", part


def _close(blobs: Iterable[Blob | None]) -> None:
    for blob in blobs:
        if blob is not None:
            blob.close()


def _no_members(_: LogEntry) -> Sequence[Member]:
    return ()


async def _all(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    gathered: list[bytes] = []
    size = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
    yield b"".join(gathered)
