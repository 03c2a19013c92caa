"""Reads a form with one file in it (RFC 7578), as its bytes come: nothing waits to be whole.

The library's parser splits the parts; what a form may hold is decided here.
"""

from collections.abc import Iterator

from multipart import (  # type: ignore[import-untyped]  # it ships no types
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
)

from commands.outcomes import BodyTooLarge, FileTypeRefused, Malformed
from domain.file_name import cleaned
from domain.file_type import ALLOWED, FileType

MOST_FIELDS = 5
"""Other parts beside the file; what is in them is ignored."""
MOST_HEADERS = 32
"""Of one part: 192 with all of them."""
AROUND_BYTES = 64 * 1024
"""How much may come around a file: boundaries, heads of parts, other fields."""

_FILE_MEMBER = "file"

FormFault = Malformed | BodyTooLarge | FileTypeRefused


class FileForm:
    """The form of one request, fed piece by piece."""

    def __init__(self, boundary: str, most_bytes: int) -> None:
        """Begin with the boundary of the parts; a file may have `most_bytes`."""
        self._parser = PushMultipartParser(
            boundary.encode("ascii"),
            max_header_count=MOST_HEADERS,
            max_segment_count=MOST_FIELDS + 1,
        )
        self._most_bytes = most_bytes
        self._received = 0
        self._size = 0
        self._in_file = False
        self.type: FileType | None = None
        """What the client says that the file is; known as soon as the file begins."""
        self.name: str | None = None
        """What the client calls it, cleaned."""

    def feed(self, piece: bytes) -> Iterator[bytes | FormFault]:
        """Give the file's bytes among these; after a fault nothing more is to be fed."""
        self._received += len(piece)
        if self._received > self._most_bytes + AROUND_BYTES:
            yield self._too_large()
            return
        if not piece or self._parser.closed:
            return
        try:
            for event in self._parser.parse(piece):
                taken = self._take(event)
                if taken is not None:
                    yield taken
                    if not isinstance(taken, bytes):
                        return
        except MultipartError as error:
            yield _malformed(error)

    def end(self) -> Malformed | None:
        """Say that these were all bytes, and what is wrong with the form as a whole."""
        try:
            self._parser.close()
        except MultipartError as error:
            return _malformed(error)
        if self.type is None:
            return Malformed("no_file", "The form has no part that is a file.", _FILE_MEMBER)
        return None

    def _take(self, event: MultipartSegment | bytes | None) -> bytes | FormFault | None:
        match event:
            case MultipartSegment():
                return self._begin_part(event)
            case None:
                self._in_file = False
                return None
            case _:
                if not self._in_file:
                    return None
                self._size += len(event)
                return self._too_large() if self._size > self._most_bytes else bytes(event)

    def _begin_part(self, part: MultipartSegment) -> FormFault | None:
        fields = [name for name, _ in part.headerlist]
        if len(set(fields)) < len(fields):  # readers differ about which one counts
            return Malformed("invalid_body", "A part of the form has a field twice.", part.name)
        # A browser sends a field for files that was left empty with an empty name.
        if not part.filename and (part.name != _FILE_MEMBER or part.filename is not None):
            return None
        if self.type is not None:
            return Malformed(
                "too_many_files", "The form has more than one file; send one.", part.name
            )
        try:
            self.type = FileType(part.content_type or "")
        except ValueError:
            said = part.content_type or "no type at all"
            return FileTypeRefused(
                "mime_not_allowed",
                f"The file is said to be {said[:100]}, which is not taken.",
                ALLOWED,
            )
        self.name = None if part.filename is None else cleaned(part.filename)
        self._in_file = True
        return None

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(self._most_bytes, "file_too_large")


def _malformed(error: MultipartError) -> Malformed:
    if isinstance(error, ParserLimitReached):
        return Malformed(
            "invalid_body",
            f"The form has more than {MOST_FIELDS} parts beside the file, or parts with more "
            f"than {MOST_HEADERS} fields or fields that are too long.",
        )
    # The first argument is the reason; a second is an exception of the inside.
    return Malformed("invalid_body", f"The form is not well formed: {error.args[0]}.")
