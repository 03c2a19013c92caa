"""What may become of a file: its commands, and `decide`, which gives events or a refusal.

To add a command: its class and its place in `FileCommand`, and its row in `decide`; to add a
refusal, its code also needs a row in the problem catalogue of the API.

Whoever calls has already put the bytes in place, checked that they are of the type that is said,
and that the caller may do this.
"""

from datetime import datetime
from typing import assert_never
from uuid import UUID

from msgspec import Struct

from domain.file import Deleted, File, FileEvent, Previewed, Thumbnail, Uploaded, WhyDeleted
from domain.file_type import FileType
from domain.refusal import Refusal, RejectedByState


class Upload(Struct, frozen=True):
    """Record a file whose bytes are in place."""

    owner_id: UUID
    digest: str
    size: int
    mime: FileType
    name_sealed: str | None
    width: int | None = None
    height: int | None = None


class ShowPreviews(Struct, frozen=True):
    """Add what was made of an image; whoever comes second changes nothing."""

    blur_hash: str
    thumbnails: tuple[Thumbnail, ...]


class Delete(Struct, frozen=True):
    """Delete the file for good."""

    why: WhyDeleted


FileCommand = Upload | ShowPreviews | Delete

Decision = tuple[FileEvent, ...] | Refusal


def decide(state: File | None, command: FileCommand, *, now: datetime) -> Decision:  # noqa: ARG001 - alike for every aggregate
    """Answer a command with the events that it causes, or with why it is refused.

    No events means that the file already is as asked.
    """
    if isinstance(command, Upload):
        return _upload(state, command)
    if state is None:
        return _collision("There is no such file.", "absent")
    match command:
        case ShowPreviews():
            return _show_previews(state, command)
        case Delete():
            return () if state.deleted else (Deleted(command.why),)
        case _:
            assert_never(command)


def _upload(state: File | None, command: Upload) -> Decision:
    if state is not None:
        return _collision("There is a file with this id already.", "present")
    return (uploaded(command),)


def uploaded(command: Upload) -> Uploaded:
    """Give the event that records a file."""
    return Uploaded(
        owner_id=command.owner_id,
        digest=command.digest,
        size=command.size,
        mime=command.mime,
        name=command.name_sealed,
        width=command.width,
        height=command.height,
    )


def _show_previews(file: File, command: ShowPreviews) -> Decision:
    if file.deleted:
        return _collision("The file was deleted.", "deleted")
    if not file.mime.is_image:
        return _collision("Only images have previews.", file.mime)
    if file.blur_hash is not None:
        return ()
    return (Previewed(command.blur_hash, command.thumbnails),)


def _collision(detail: str, present: str) -> RejectedByState:
    return RejectedByState(
        error="transition_not_allowed", detail=detail, collides_with=str(present)
    )
