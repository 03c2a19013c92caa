"""Uploads as tests make them: forms, small files of every type, and where files end up."""

import struct
import zlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import msgspec

from domain.file_type import FileType
from tests.support.http import Client
from tests.support.product import Api

BOUNDARY = "a-boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def a_png(width: int = 3, height: int = 2, *, padding: int = 0) -> bytes:
    """Make a PNG image of one colour; `padding` bytes more that no viewer shows."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + b"\x80" * width for _ in range(height)))
    chunks = [(b"IHDR", header), (b"prVt", b"\xa5" * padding), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
        if data or kind == b"IEND"
    )


def filled(size: int, number: int = 0) -> bytes:
    """Make a PNG image of exactly this size; those of different numbers differ."""
    smallest = len(a_png(padding=1)) - 1
    made = bytearray(a_png(padding=size - smallest))
    struct.pack_into(">I", made, 41, number)  # into the padding, whose checksum nobody looks at
    return bytes(made)


SAMPLES: Mapping[FileType, bytes] = {
    FileType.JPEG: bytes.fromhex(
        "ffd8ffe000104a46494600010100000100010000"
        "ffc0000b080002000301011100ffda0008010100003f00d2cf20ffd9"
    ),
    FileType.PNG: a_png(),
    FileType.WEBP: bytes.fromhex(
        "524946461a000000574542505650384c0d0000002f02400000071011fd8f0244840000"
    ),
    FileType.PDF: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n",
    FileType.MP4: bytes.fromhex("0000001c66747970")
    + b"isom\0\0\2\0isomiso2mp41"
    + bytes.fromhex("0000000866726565"),
    FileType.WEBM: bytes.fromhex(
        "1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104428581021853806780"
    ),
}
"""The smallest bytes that are taken for each type."""


def part(
    content: bytes,
    *,
    name: str = "file",
    filename: str | None = "a picture.png",
    mime: str | None = "image/png",
) -> bytes:
    """Make one part of a form."""
    disposition = f'form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    lines = [f"--{BOUNDARY}", f"Content-Disposition: {disposition}"]
    if mime is not None:
        lines.append(f"Content-Type: {mime}")
    return "\r\n".join([*lines, "", ""]).encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    """Make the body of a form."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def chunks(body: bytes, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    """Send a body in chunks, so that nothing says how long it is."""
    for at in range(0, len(body), size):
        yield body[at : at + size]


async def send_form(
    client: Client, body: bytes | AsyncIterator[bytes], *, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """POST a form to /upload."""
    return await client.send("POST", "/upload", body, headers=headers or {}, content_type=FORM)


async def upload(
    client: Client,
    content: bytes | None = None,
    *,
    filename: str | None = "a picture.png",
    mime: str = "image/png",
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """Upload one file."""
    content = a_png() if content is None else content
    return await send_form(
        client, form(part(content, filename=filename, mime=mime)), headers=headers
    )


class Kept(msgspec.Struct, frozen=True):
    """Everything that an upload could leave behind."""

    files: int
    """Rows."""
    blob_rows: int
    holds: int
    blobs: tuple[str, ...]
    """Digests."""
    incoming: tuple[str, ...]


NOTHING = Kept(0, 0, 0, (), ())


async def kept(api: Api) -> Kept:
    """Look at the database and into the folder."""
    rows = await api.product.database.fetch(
        "select (select count(*) from files where not deleted),"
        " (select count(*) from file_blobs), (select count(*) from blob_holds)"
    )
    files, blob_rows, holds = rows[0]
    root = api.settings.data_dir / "files"
    return Kept(files, blob_rows, holds, _names(root / "sha256"), _names(root / "incoming"))


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in folder.rglob("*") if path.is_file()))


def upload_head(api: Api, length: int | None, *more: str) -> bytes:
    """Make the head of an author's upload of so many bytes, or of one in chunks."""
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = (
        "POST /upload HTTP/1.1",
        f"Host: {api.host}",
        f"Authorization: Bearer {api.author.token()}",
        f"Content-Type: {FORM}",
        framing,
        *more,
    )
    return "\r\n".join((*lines, "", "")).encode()
