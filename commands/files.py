"""The commands on files, from a caller's wish to an outcome.

Who may is in `domain/file_access.py`, what is allowed in `domain/file_decisions.py`, the way
through the log in `commands/handle.py`; how bytes come in is in `commands/file_store.py`.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from itertools import chain
from typing import Protocol
from uuid import UUID

import msgspec

from commands.aggregate import Aggregate, Loaded, View
from commands.file_store import Received, Upload
from commands.handle import ATTEMPTS, Caller, Change, Ledger, Settled, Stop, change, create
from commands.outcomes import (
    Contended,
    Created,
    Deleted,
    Forbidden,
    NotFound,
    Outcome,
    Representation,
    StaleVersion,
    Unauthenticated,
)
from commands.ports import FirstAnswer, Write
from commands.preconditions import NO_PRECONDITIONS, Preconditions, Verdict, evaluate
from domain import file, file_access, file_decisions
from domain.file import File, FileEvent, WhyDeleted
from domain.file_decisions import FileCommand, ShowPreviews
from domain.file_type import FileType
from domain.refusal import Refusal, RejectedByState
from domain.stream import Actor

FILE_NOT_FOUND = NotFound("file_not_found")
FILE_NOT_YOURS = Forbidden("Only the file's owner, while an author, or an admin may do this.")

_BYTES_OF_A_STATE = 2000

_IN_USE = RejectedByState(
    error="file_in_use",
    detail="A post shows this file. Take it out of the post, or delete the post, first.",
    collides_with="post",
)

FileAggregate = Aggregate[File, FileCommand]


class SealedName(msgspec.Struct, frozen=True):
    """A file's name as it is kept, and what it was sealed for."""

    owner_id: UUID
    file_id: UUID
    text: str | None


class Names(Protocol):
    """Seals and opens what people called their files."""

    async def seal(self, owner_id: UUID, file_id: UUID, name: str) -> str | None:
        """Seal a name for a file's first event; None for somebody who was erased."""
        ...

    async def open(self, sealed: Sequence[SealedName]) -> Sequence[str | None]:
        """Give the names in the same order; None where there is none, or none any more."""
        ...


class Files(msgspec.Struct, frozen=True):
    """What the commands on files work with."""

    ledger: Ledger
    aggregate: FileAggregate
    names: Names
    show: Callable[[File, str | None], bytes]
    """Makes the representation that the owner gets, with the file's name."""
    content_tag: Callable[[str], str]
    """Makes the opaque part of the entity tag of the bytes with this digest."""
    unused_row: Callable[[str, UUID, datetime], Write]
    """Makes the row that says that a file has stopped using a blob, and since when."""
    shown_by: Callable[[UUID], Awaitable[UUID | None]]
    """Finds a post that is not deleted and shows the file."""


class NewFile(msgspec.Struct, frozen=True):
    """A file whose bytes are in place."""

    file_id: UUID
    received: Received
    type: FileType
    name: str | None
    width: int | None = None
    height: int | None = None


def files(view: View[File]) -> FileAggregate:
    """Gather what the command loop needs to know of files."""
    return Aggregate(
        category=file.STREAM_CATEGORY,
        evolve=file.evolve,  # type: ignore[arg-type]  # a file's stream holds files' events
        decide=_decide,
        claims=file.claims,
        claim_taken=lambda _: _IN_USE,
        view=view,
        weigh=lambda _: _BYTES_OF_A_STATE,
        vacates=file.vacates,
    )


def may_upload(actor: Actor | None) -> Outcome | None:
    """Say why the caller may not upload a file, or nothing."""
    if actor is None:
        return Unauthenticated("Uploading a file needs an access token.")
    if not file_access.may_upload(actor):
        return Forbidden("Only authors upload files.")
    return None


async def upload_file(
    files: Files,
    caller: Caller,
    upload: Upload,
    new: NewFile,
    first_answer: Callable[[Representation], FirstAnswer] | None = None,
    sealing: Awaitable[str | None] | None = None,
) -> Outcome:
    """Record a file of the caller's whose blob is in place; the upload's hold ends with it.

    `sealing` gives its sealed name where that was begun before.
    """
    assert caller.actor is not None  # noqa: S101 - `may_upload` was asked
    owner_id, ledger = caller.actor.account_id, files.ledger
    name = new.name
    sealed = None
    if name is not None:
        sealed = await (sealing or files.names.seal(owner_id, new.file_id, name))
    command = file_decisions.Upload(
        owner_id=owner_id,
        digest=new.received.digest,
        size=new.received.size,
        mime=new.type,
        name_sealed=sealed,
        width=new.width,
        height=new.height,
    )
    # The name is bound to the id of the first event, which is the file's own: so whoever has the
    # file's row alone can open it.
    ids = chain([new.file_id], iter(ledger.new_id, None))
    bound = msgspec.structs.replace(ledger, new_id=lambda: next(ids))

    def shown(made: Representation) -> Representation:
        # What Location leads to are the bytes, so the tag is theirs (RFC 9110, 15.3.2).
        state = file.evolve(
            None,
            file_decisions.uploaded(command),
            id=new.file_id,
            version=1,
            at=made.modified,
        )
        return msgspec.structs.replace(
            made,
            body=files.show(state, name if sealed is not None else None),
            tag=files.content_tag(new.received.digest),
        )

    settled = await create(
        bound,
        files.aggregate,
        new.file_id,
        command,
        caller,
        None if first_answer is None else lambda made: first_answer(shown(made)),
        puts=(upload.release,),
    )
    if not isinstance(settled, Settled):
        return settled
    upload.recorded()
    return Created(shown(settled.resource))


async def record_previews(
    files: Files,
    caller: Caller,
    file_id: UUID,
    command: ShowPreviews,
    uploads: Sequence[Upload],
) -> Settled[File] | Outcome:
    """Record what was made of an image; `uploads` hold the thumbnails' blobs.

    Where nothing is appended, as somebody else was faster or the file is gone, the uploads clean
    up after themselves.
    """

    async def wish(_: Loaded[File]) -> FileCommand | Stop:
        return command

    asked: Change[File, FileCommand] = Change(
        caller=caller,
        permit=lambda _: None,
        missing=FILE_NOT_FOUND,
        command=wish,
        beside=lambda _: [upload.release for upload in uploads],
    )
    settled = await change(files.ledger, files.aggregate, file_id, asked)
    if isinstance(settled, Settled) and settled.appended:
        for upload in uploads:
            upload.recorded()
    return settled


async def _nothing_to_read() -> Outcome | None:
    return None


class Deletion(msgspec.Struct, frozen=True):
    """What a request to delete a file says beside which."""

    check: Callable[[], Outcome | None] = lambda: None
    """Judges the header fields, once the caller is known to be allowed."""
    conditions: Preconditions = NO_PRECONDITIONS
    read: Callable[[], Awaitable[Outcome | None]] = _nothing_to_read
    """Reads the body, which should be empty; asked once the conditions hold."""


async def delete_file(files: Files, caller: Caller, file_id: UUID, asked: Deletion) -> Outcome:
    """Delete a file as its owner or an admin asks."""
    actor = caller.actor
    if actor is None:
        return Unauthenticated("Deleting a file needs an access token.")

    async def wish(loaded: Loaded[File]) -> FileCommand | Stop:
        stale = _stale(files, asked.conditions, loaded)
        if stale is not None:
            return stale
        refused = await asked.read()
        return file_decisions.Delete(WhyDeleted.OWNER) if refused is None else Stop(refused)

    wanted = _deletion(files, caller, lambda state: _denied(state, actor) or asked.check(), wish)
    for _ in range(ATTEMPTS):
        settled = await change(files.ledger, files.aggregate, file_id, wanted)
        if settled != _IN_USE:
            return Deleted() if isinstance(settled, Settled) else settled
        post_id = await files.shown_by(file_id)
        if post_id is not None:
            return msgspec.structs.replace(_IN_USE, collides_with=f"/posts/{post_id}")
    return Contended()  # it was put into posts and taken out of them all the time


async def remove_file(
    files: Files, caller: Caller, file_id: UUID, why: WhyDeleted
) -> Settled[File] | Outcome:
    """Delete a file for a reason of the product's own; one that is deleted stays so."""

    async def wish(_: Loaded[File]) -> FileCommand | Stop:
        return file_decisions.Delete(why)

    wanted = _deletion(files, caller, lambda _: None, wish)
    return await change(files.ledger, files.aggregate, file_id, wanted)


def _deletion(
    files: Files,
    caller: Caller,
    permit: Callable[[File], Outcome | None],
    wish: Callable[[Loaded[File]], Awaitable[FileCommand | Stop]],
) -> Change[File, FileCommand]:
    def unused(after: Loaded[File]) -> Sequence[Write]:
        state = after.state
        assert state is not None and after.at is not None  # noqa: S101, PT018 - it was deleted
        return [files.unused_row(digest, state.id, after.at) for digest in sorted(state.blobs)]

    return Change(caller=caller, permit=permit, missing=FILE_NOT_FOUND, command=wish, beside=unused)


def _denied(state: File, actor: Actor) -> Outcome | None:
    """Say why the actor may not delete the file, hiding what the actor may not see."""
    if state.deleted:
        return FILE_NOT_FOUND
    if file_access.may_delete(actor, owner_id=state.owner_id):
        return None
    if file_access.may_always_see(actor, owner_id=state.owner_id):
        return FILE_NOT_YOURS
    return FILE_NOT_FOUND


def _stale(files: Files, conditions: Preconditions, loaded: Loaded[File]) -> Stop | None:
    """Judge the conditions by the tag of the bytes, which is what the path leads to."""
    state = loaded.state
    assert state is not None  # noqa: S101 - only an existing file is deleted
    tag = files.content_tag(state.digest)
    verdict = evaluate(conditions, tag=tag, modified=state.created_at, safe=False)
    if verdict is Verdict.PROCEED:
        return None
    return Stop(StaleVersion(tag, files.aggregate.view.history(state.id)))


def _decide(
    state: File | None, command: FileCommand, now: datetime
) -> tuple[FileEvent, ...] | Refusal:
    return file_decisions.decide(state, command, now=now)
