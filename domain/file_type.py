"""The types of files that can be uploaded, and what follows from a type alone.

To add one: its member here, and how its bytes are told in `infra/files/inspecting.py`. The values
are media types and stand in events.
"""

from enum import StrEnum
from typing import assert_never


class FileType(StrEnum):
    """A media type of files that are taken."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    PDF = "application/pdf"
    MP4 = "video/mp4"
    WEBM = "video/webm"

    @property
    def extension(self) -> str:
        """The usual end of such a file's name, without the dot."""
        match self:
            case FileType.JPEG:
                return "jpg"
            case FileType.PNG:
                return "png"
            case FileType.WEBP:
                return "webp"
            case FileType.PDF:
                return "pdf"
            case FileType.MP4:
                return "mp4"
            case FileType.WEBM:
                return "webm"
            case _:
                assert_never(self)

    @property
    def is_image(self) -> bool:
        """Whether it has a width, a height and previews."""
        return self.value.startswith("image/")

    @property
    def is_video(self) -> bool:
        """Whether it can be played."""
        return self.value.startswith("video/")

    @property
    def inline(self) -> bool:
        """Whether a browser may show it in a page rather than save it."""
        return self.is_image or self.is_video


ALLOWED = tuple(kind.value for kind in FileType)
"""The media types in words, for clients."""
