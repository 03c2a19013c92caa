"""The type and the dimensions of a JPEG, PNG or WebP image, from its header alone.

No pixel is decoded and nothing is allocated for one, so it is safe where the file comes from
strangers. Pillow is not asked: over 10 MiB of empty chunks or segments, which Pillow reads one by
one as Python objects, it holds the interpreter's lock for seconds (ADR 0018).
"""

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from commands.images import MAX_PIXELS, ImageFault, ImageHeader
from domain.file_type import FileType

JPEG_SEGMENTS = 1_000
"""Before the frame's header. Honest files have some dozens: of 64 KiB each, 10 MiB are 160."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_DEPTHS = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
"""The bit depths of each colour type (PNG, third edition, table 12)."""
_PNG_LONGEST = 2**31 - 1

_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers without a length: TEM and RSTn."""
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN, _APP1 = 0xD8, 0xD9, 0xDA, 0xE1
_ORIENTATION, _SHORT = 0x0112, 3
_TURNED = frozenset({5, 6, 7, 8})
"""The EXIF orientations that exchange width and height."""


def image_header(image: Path | BinaryIO) -> ImageHeader | ImageFault:
    """Read an image's header, from a path or from the beginning of a file that can seek.

    It may read as far as the metadata goes, in small pieces: call it in a thread.
    """
    if isinstance(image, Path):
        with image.open("rb") as file:
            return image_header(file)
    head = image.read(30)
    try:
        header = _read(head, image)
    except (struct.error, IndexError):  # it ends before its header does
        header = None
    if header is None or not header.width or not header.height:
        return ImageFault.UNREADABLE
    if header.width * header.height > MAX_PIXELS:
        return ImageFault.TOO_LARGE
    return header


def _read(head: bytes, file: BinaryIO) -> ImageHeader | None:
    if head.startswith(_PNG_SIGNATURE):
        return _png(head + file.read(3))
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head)
    if head.startswith(b"\xff\xd8\xff"):
        file.seek(2)
        return _jpeg(file)
    return None


def _png(head: bytes) -> ImageHeader | None:
    """IHDR comes first, always (PNG, third edition, 11.2.1)."""
    length, tag, width, height, depth, colour, compression, filtering, interlace = (
        struct.unpack_from(">I4sIIBBBBB", head, 8)
    )
    (checksum,) = struct.unpack_from(">I", head, 29)
    sound = (
        (length, tag, compression, filtering) == (13, b"IHDR", 0, 0)
        and depth in _PNG_DEPTHS.get(colour, ())
        and interlace in {0, 1}
        and max(width, height) <= _PNG_LONGEST
        and checksum == zlib.crc32(head[12:29])
    )
    return ImageHeader(FileType.PNG, width, height) if sound else None


def _webp(head: bytes) -> ImageHeader | None:
    """Read RFC 9649, sections 2.5 to 2.7; `VP8 ` as in RFC 6386, 9.1."""
    kind = head[12:16]
    if kind == b"VP8X":
        (width_low, width_high, height_low, height_high) = struct.unpack_from("<HBHB", head, 24)
        width, height = 1 + (width_high << 16 | width_low), 1 + (height_high << 16 | height_low)
    elif kind == b"VP8L" and head[20] == 0x2F:  # noqa: PLR2004 - the signature of the format
        (bits,) = struct.unpack_from("<I", head, 21)
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", head, 26))
    else:
        return None
    return ImageHeader(FileType.WEBP, width, height)


def _jpeg(file: BinaryIO) -> ImageHeader | None:
    """Go from segment to segment, to the frame's header (ITU-T T.81, B.1 and B.2.2)."""
    turned = False
    for _ in range(JPEG_SEGMENTS):
        marker = _marker(file)
        if marker in _ALONE:
            continue
        if marker in {None, _START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN}:
            return None
        (length,) = struct.unpack(">H", file.read(2))
        if length < 2:  # noqa: PLR2004 - of its own two bytes
            return None
        if marker in _START_OF_FRAME:
            height, width = struct.unpack(">xHH", file.read(5))
            return ImageHeader(FileType.JPEG, *((height, width) if turned else (width, height)))
        if marker == _APP1 and not turned:
            turned = _orientation(file.read(length - 2)) in _TURNED
        else:
            file.seek(length - 2, 1)
    return None


def _marker(file: BinaryIO) -> int | None:
    """Read the next marker, after any fill bytes."""
    if file.read(1) != b"\xff":
        return None
    for _ in range(JPEG_SEGMENTS):
        if (code := file.read(1)[0]) != 0xFF:  # noqa: PLR2004 - a fill byte
            return code
    return None


def _orientation(segment: bytes) -> int | None:
    """Find the orientation in an EXIF segment (CIPA DC-008, 4.6.4); None where there is none."""
    if not segment.startswith(b"Exif\0\0"):
        return None
    tiff = segment[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return None
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, directory)
        for entry in range(entries):
            at = directory + 2 + 12 * entry
            tag, kind, _count, value = struct.unpack_from(order + "HHIH", tiff, at)
            if (tag, kind) == (_ORIENTATION, _SHORT):
                return int(value)
    except struct.error:  # broken metadata do not make the image unreadable
        return None
    return None
