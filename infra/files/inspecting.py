"""What a file's bytes are, whatever was said of them.

puremagic names what they could be. Some of its patterns are loose (any RIFF file, any EBML one) and
it does not know all brands of MP4, so each type has an exact rule here: that one must hold, and
puremagic may not know better.
"""

from typing import BinaryIO

import puremagic

from commands.file_store import Inspected, Unfit
from commands.images import ImageFault
from domain.file_type import FileType
from infra.images.header import image_header

HEAD_BYTES = 4096
"""As much as any rule looks at."""

_MP4_BRANDS = frozenset(
    {b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"}
    | {b"mp41", b"mp42", b"mp71", b"avc1", b"M4V ", b"M4VH", b"M4VP", b"dash", b"MSNV", b"f4v "}
)
_EBML = b"\x1a\x45\xdf\xa3"
_DOC_TYPE = b"\x42\x82"
_LONGEST_EBML_HEADER = 255


def inspect(file: BinaryIO) -> Inspected | Unfit | ImageFault:
    """Tell what is in a file that can seek. It reads from disk: call it in a thread."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    kind = sniff(head)
    if kind is None:
        return Unfit()
    if not kind.is_image:
        return Inspected(kind)
    file.seek(0)
    header = image_header(file)
    if isinstance(header, ImageFault):
        return header
    return Inspected(kind, header.width, header.height)


def sniff(head: bytes) -> FileType | None:
    """Tell the type by the first bytes, or that it is none that is taken."""
    for kind in FileType:
        if _is(kind, head) and _may_be(kind, head):
            return kind
    return None


def _may_be(kind: FileType, head: bytes) -> bool:
    try:
        found = puremagic.magic_string(head)
    except puremagic.PureError:  # it knows nothing like it
        return True
    return any(each.mime_type == kind for each in found)


def _is(kind: FileType, head: bytes) -> bool:
    match kind:
        case FileType.JPEG:
            return head.startswith(b"\xff\xd8\xff")
        case FileType.PNG:
            return head.startswith(b"\x89PNG\r\n\x1a\n")
        case FileType.WEBP:
            return head.startswith(b"RIFF") and head[8:12] == b"WEBP"
        case FileType.PDF:
            return head.startswith(b"%PDF-")
        case FileType.MP4:
            return head[4:8] == b"ftyp" and not _MP4_BRANDS.isdisjoint(_brands(head))
        case FileType.WEBM:
            return head.startswith(_EBML) and _doc_type(head) == b"webm"


def _brands(head: bytes) -> list[bytes]:
    """Give the brands that a file of the ISO base media format claims (ISO 14496-12, 4.3)."""
    size = min(int.from_bytes(head[:4]), len(head))
    return [head[at : at + 4] for at in (8, *range(16, size - 3, 4))]


def _doc_type(head: bytes) -> bytes | None:
    """Give the document type of an EBML header (RFC 8794, 11.2.4)."""
    at = head.find(_DOC_TYPE, len(_EBML), _LONGEST_EBML_HEADER)
    if at < 0 or len(head) < at + 3:
        return None
    size = head[at + 2] & 0x7F
    return head[at + 3 : at + 3 + size].rstrip(b"\0")
