"""Which files a post may show: the rules of `coverImage` and `attachments`.

Whether there is such a file, whose it is and of which type, is known to whoever gives the command:
it comes with it as `Usable`. A post keeps what it shows already: as long as it does, nobody can
delete the file.
"""

from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from domain.post import FilesChanged, PostFiles
from domain.refusal import RejectedByValue

MOST_ATTACHMENTS = 20


class Usable(Struct, frozen=True):
    """What is known of files that a post does not show yet, or not in that place."""

    files: frozenset[UUID] = frozenset()
    """Those that it may show."""
    images: frozenset[UUID] = frozenset()
    """Those of them that are images."""


NOTHING_USABLE = Usable()


def merged(
    before: PostFiles,
    cover_image: UUID | UnsetType | None,
    attachments: tuple[UUID, ...] | UnsetType,
) -> PostFiles:
    """Give what a post shall show, where what is not set stays."""
    return PostFiles(
        before.cover_image if cover_image is UNSET else cover_image,
        before.attachments if attachments is UNSET else attachments,
    )


def unknown(before: PostFiles, wanted: PostFiles) -> frozenset[UUID]:
    """Give the files of which `Usable` must tell before `changed` can judge."""
    ids = wanted.ids - before.ids
    if wanted.cover_image is None or wanted.cover_image == before.cover_image:
        return ids
    return ids | {wanted.cover_image}


def changed(
    before: PostFiles, wanted: PostFiles, usable: Usable
) -> tuple[FilesChanged, ...] | RejectedByValue:
    """Say what happens when a post shall show these files: an event, nothing, or a refusal."""
    if wanted == before:
        return ()
    cover = wanted.cover_image
    if cover is not None and cover != before.cover_image:
        if cover not in usable.files:
            return _not_usable("coverImage", cover, "is none that this post can show")
        if cover not in usable.images:
            return _not_usable("coverImage", cover, "is no image")
    known = before.ids | usable.files
    for number, file_id in enumerate(wanted.attachments):
        if file_id not in known:
            return _not_usable("attachments", file_id, "is none that this post can show")
        if file_id in wanted.attachments[:number]:
            return _not_usable("attachments", file_id, "stands there twice")
    return _events(before, wanted)


def as_far_as_usable(
    before: PostFiles, wanted: PostFiles, usable: Usable
) -> tuple[FilesChanged, ...]:
    """Say what happens when a post shall show what is left of these files.

    They were its own once, so whoever deleted the others has decided already.
    """
    known = before.ids | usable.files
    return _events(before, keeping(wanted, known))


def without(before: PostFiles, gone: frozenset[UUID]) -> tuple[FilesChanged, ...]:
    """Say what happens when some files shall be shown no more."""
    return _events(before, keeping(before, before.ids - gone))


def keeping(files: PostFiles, kept: frozenset[UUID]) -> PostFiles:
    """Leave out all but some files."""
    cover = files.cover_image
    return PostFiles(
        cover if cover in kept else None,
        tuple(file_id for file_id in files.attachments if file_id in kept),
    )


def _events(before: PostFiles, after: PostFiles) -> tuple[FilesChanged, ...]:
    return () if after == before else (FilesChanged(after.cover_image, after.attachments),)


def _not_usable(member: str, file_id: UUID, why: str) -> RejectedByValue:
    return RejectedByValue("file_not_usable", f"{member}: The file {file_id} {why}.", member)
