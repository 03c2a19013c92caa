"""Images: what is known of one before it is stored, and what is made of it afterwards.

`infra/images/` reads headers, for uploads, and makes previews, for a worker.
"""

from enum import StrEnum
from typing import Protocol

import msgspec

from commands.file_store import Blob
from domain.file_type import FileType

MAX_PIXELS = 50_000_000
"""Of an image's width times its height. More is a flood that a small file can claim."""

THUMBNAIL_WIDTHS = (320, 640, 1280)
"""In pixels. An image that is narrower than one of them has no thumbnail of it."""


class ImageHeader(msgspec.Struct, frozen=True):
    """What the beginning of an image says of it."""

    type: FileType
    width: int
    height: int
    """As it is shown: a JPEG that is to be turned has its width and height exchanged."""


class ImageFault(StrEnum):
    """Why an image cannot be taken, as the code of the refusal."""

    UNREADABLE = "image_unreadable"
    TOO_LARGE = "image_too_large"


class MadeThumbnail(msgspec.Struct, frozen=True):
    """A smaller picture of an image, as WebP."""

    width: int
    height: int
    content: bytes


class MadePreviews(msgspec.Struct, frozen=True):
    """What shows an image before it is there."""

    blur_hash: str
    thumbnails: tuple[MadeThumbnail, ...]
    """The narrowest first."""


class PreviewFault(StrEnum):
    """Why an image will never have previews, in a word that anybody may see."""

    UNREADABLE = "image_unreadable"
    """Its beginning is sound; what follows is not."""
    TOO_COSTLY = "image_too_costly"
    """It takes more memory or time than any honest image."""


class PreviewsNotMadeError(Exception):
    """Previews were not made this time, for a reason that is not the image's."""


class PreviewMaker(Protocol):
    """Makes previews, and comes to no harm by any image."""

    async def make(self, image: Blob) -> MadePreviews | PreviewFault:
        """Make them. Raises `PreviewsNotMadeError` or `StorageUnavailableError`."""
        ...
