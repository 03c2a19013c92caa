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
from workers.export_pages import FileLine, index_page, posts_path
from workers.export_posts import PART_BYTES, PostPart, PostParts
from workers.export_shapes import FORMAT, AccountFile, FileEntry, Manifest, Omitted

PIECE_BYTES = 256 * 1024
BLOB_PIECE_BYTES = 1024 * 1024
_PASSES = 3
"""About how often the bytes of an event come through, in one form or another."""

_encode = msgspec.json.Encoder().encode


class Sources(msgspec.Struct, frozen=True):
    """Where the contents come from."""

    history: PersonalHistory
    decode: Callable[[str, str], Event]
    """Reads a stored event, from its tag and its text."""
    unsealed: Callable[[UUID, UUID, str, str], Awaitable[str | None]]
    """Opens what was sealed, for a person, an event and a field; None once they are erased."""
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
        self._done = 0
        self._total: int | None = None
        self._extents: dict[str, Extent] = {}
        self._lines = _EventLines()
        self._account: Account | None = None
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
        self._extents[account.STREAM_CATEGORY] = Extent([order.owner_id], 0)
        async with aclosing(self._some_members()) as some:
            async for member in some:
                yield await self._counted(member)
        yield Member("manifest.json", order.at, self._manifest(listed))

    async def _some_members(self) -> AsyncGenerator[Member]:
        async for member in self._log(account.STREAM_CATEGORY, self._fold_account):
            yield member
        about = await self._about()
        yield self._member("account.json", _encode(about))
        async for member in self._log(file.STREAM_CATEGORY, self._fold_file):
            yield member
        self._measure()
        async for member in self._log(post.STREAM_CATEGORY, self._fold_post):
            yield member
        for member in self._part(self._posts.last()):
            yield member
        async for member in self._log(job.STREAM_CATEGORY, _no_members):
            yield member
        if rest := self._lines.take():
            yield self._member(*rest)
        async with aclosing(self._media()) as media:
            async for member in media:
                yield member
        yield self._member("files.json", _encode(self._file_entries))
        yield self._member("index.html", _all(self._index(about)))

    async def _log(
        self, category: str, fold: Callable[[LogEntry], Sequence[Member]]
    ) -> AsyncGenerator[Member]:
        """Go through the events of a category; give the members that they fill."""
        ids = self._extents[category].ids
        async for page in self._sources.history.pages(category, ids, self._order.position):
            for entry in page:
                self._lines.add(encode_entry(entry))
                for member in fold(entry):
                    yield member
                if self._lines.size >= PART_BYTES and (part := self._lines.take()):
                    yield self._member(*part)

    def _measure(self) -> None:
        log = sum(extent.size for extent in self._extents.values())
        media = sum(each.size for each in self._files.values() if not each.deleted)
        self._total = _PASSES * log + media + 1

    async def _counted(self, member: Member) -> Member:
        if isinstance(member.pieces, bytes):
            await self._count(len(member.pieces))
            return member
        return msgspec.structs.replace(member, pieces=self._counting(member.pieces))

    async def _counting(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in pieces:
            await self._count(len(piece))
            yield piece

    async def _count(self, size: int) -> None:
        self._done += size
        if self._total is not None:
            await self._progress(min(99, 100 * self._done // self._total))

    def _member(self, path: str, pieces: bytes | AsyncIterator[bytes]) -> Member:
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
        name = state.name_sealed
        return AccountFile(
            id=state.id,
            email=await self._unsealed(state.id, "email", state.email_sealed),
            name=None if name is None else await self._unsealed(state.id, "name", name),
            roles=sorted(state.roles),
            disabled=state.disabled,
            second_factor=state.second_factor,
            created_at=state.created_at,
            version=state.version,
        )

    async def _media(self) -> AsyncGenerator[Member]:
        for each in self._files.values():
            path = f"media/{each.id}.{each.mime.extension}"
            blob, name = await asyncio.gather(self._blob(each), self._name(each))
            if blob is not None:
                try:
                    yield self._member(path, await _pieces(blob))
                finally:
                    blob.close()
            elif not each.deleted:
                reason = "It was deleted while the export was made."
                self._omitted.append(Omitted(path, reason))
            self._file_entries.append(
                FileEntry(
                    id=each.id,
                    path=None if blob is None else path,
                    name=name,
                    mime=each.mime.value,
                    size=each.size,
                    digest=each.digest,
                    deleted=each.deleted,
                    created_at=each.created_at,
                )
            )

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

    async def _name(self, of: File) -> str | None:
        if of.deleted or of.name_sealed is None:
            return None
        return await self._unsealed(of.id, "name", of.name_sealed)

    def _index(self, about: AccountFile) -> Iterable[bytes]:
        facts = [
            ("Account", str(about.id)),
            ("Name", about.name or ""),
            ("Email", about.email or ""),
            ("Everything up to event", str(self._order.position)),
        ]
        files = [
            FileLine(each.path, each.name, each.mime, each.size) for each in self._file_entries
        ]
        return index_page(facts, self._posts.lines, files)

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

    async def _unsealed(self, of: UUID, field: str, sealed: str) -> str | None:
        return await self._sources.unsealed(self._order.owner_id, self._first[of], field, sealed)


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


def _no_members(_: LogEntry) -> Sequence[Member]:
    return ()


async def _pieces(blob: Blob) -> bytes | AsyncIterator[bytes]:
    """Give what is small as a whole, so that it can be read before its turn."""
    if blob.size <= BLOB_PIECE_BYTES:
        return bytes(await blob.read(0, BLOB_PIECE_BYTES))
    return _pieces_of(blob)


async def _pieces_of(blob: Blob) -> AsyncIterator[bytes]:
    offset = 0
    while offset < blob.size:
        piece = await blob.read(offset, BLOB_PIECE_BYTES)
        if not piece:
            return  # its digest will tell
        offset += len(piece)
        yield bytes(piece)


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
