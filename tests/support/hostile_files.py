"""Uploads that no honest client sends: what is in the file, by what is said of it.

Each is a form and what has to come of it. Names of files and the form itself are in
`tests/support/hostile_forms.py`.
"""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

from domain.file_type import FileType
from tests.support.uploading import FORM, SAMPLES, form, part

MISMATCH = (415, "mime_mismatch")
NOT_ALLOWED = (415, "mime_not_allowed")
UNREADABLE = (422, "image_unreadable")
TOO_LARGE = (422, "image_too_large")

SCRIPT = b"<html><body><script>alert(document.cookie)</script></body></html>"
PHP = b"<?php system($_GET['c']); ?>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>'


class Hostile(NamedTuple):
    """An upload, and what has to come of it."""

    name: str
    body: bytes
    refused: tuple[int, str] | None = None
    """Status and code; None where it is taken, for what its bytes are and nothing else."""
    type: FileType = FileType.PNG
    """As which it is taken."""
    content: bytes | None = None
    """The file, if it is taken."""
    media_type: str | None = FORM
    """Of the form."""


def hostile_files() -> Iterator[Hostile]:
    """Make them all."""
    yield from _polyglots()
    yield from _said_to_be()
    yield from _programs_and_archives()
    yield from _floods()
    yield from _cut_short()


def hostile(
    name: str,
    content: bytes,
    said: str | None,
    refused: tuple[int, str] | None = None,
    *,
    filename: str = "innocent.png",
) -> Hostile:
    """Make an upload of a file that is said to be of a type."""
    kind = FileType(said) if refused is None and said in set(FileType) else FileType.PNG
    body = form(part(content, filename=filename, mime=said))
    return Hostile(name, body, refused, kind, content)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Make a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *, pixels: bytes = b"", before: bytes = b"") -> bytes:
    """Make a PNG that claims dimensions, whatever its pixels are."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = png_chunk(b"IDAT", pixels or zlib.compress(b"\0" * 64))
    return b"\x89PNG\r\n\x1a\n" + header + before + data + png_chunk(b"IEND", b"")


def _jpeg(*segments: tuple[int, bytes], end: bytes = b"") -> bytes:
    """Put segments into a small JPEG, before all others."""
    sample = SAMPLES[FileType.JPEG]
    made = b"".join(
        struct.pack(">BBH", 0xFF, code, len(data) + 2) + data for code, data in segments
    )
    return sample[:2] + made + sample[2:] + end


def _webp(kind: bytes, data: bytes) -> bytes:
    return (
        b"RIFF"
        + struct.pack("<I", 12 + len(data))
        + b"WEBP"
        + kind
        + struct.pack("<I", len(data))
        + data
    )


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


def _archive(size: int = 1000) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Main-Class: Evil\n")
        archive.writestr("zeros", bytes(size))
    return out.getvalue()


def _polyglots() -> Iterator[Hostile]:
    """Files of one type that another program takes for something else."""
    jpeg, png_, webp = FileType.JPEG, FileType.PNG, FileType.WEBP
    pdf, mp4, webm = FileType.PDF, FileType.MP4, FileType.WEBM
    gif = b"GIF89a/*" + bytes(20) + b"*/=1;alert(1);"
    yield hostile("gif-and-script", gif, "image/gif", NOT_ALLOWED, filename="a.gif")
    for kind in FileType:
        yield hostile(f"gif-and-script-as-{kind.name}", gif, kind, MISMATCH)
    yield hostile(
        "png-and-html-in-text", png(3, 2, before=png_chunk(b"tEXt", b"a\0" + SCRIPT)), png_
    )
    yield hostile("png-and-html-after", SAMPLES[png_] + SCRIPT, png_, filename="a.html")
    yield hostile("png-and-php", SAMPLES[png_] + PHP, png_, filename="shell.php")
    yield hostile("png-and-script-in-pixels", png(3, 2, pixels=zlib.compress(SCRIPT)), png_)
    yield hostile("png-and-zip", SAMPLES[png_] + _archive(), png_, filename="a.jar")
    yield hostile("png-then-html", b"\x89PNG\r\n\x1a\n" + SCRIPT, png_, UNREADABLE)
    yield hostile("png-signature-alone", b"\x89PNG\r\n\x1a\n", png_, UNREADABLE)
    yield hostile("html-then-png", SCRIPT + SAMPLES[png_], png_, MISMATCH)
    yield hostile("line-break-then-png", b"\n" + SAMPLES[png_], png_, MISMATCH)
    yield hostile("mark-then-png", b"\xef\xbb\xbf" + SAMPLES[png_], png_, MISMATCH)
    yield hostile("jpeg-and-php-in-comment", _jpeg((0xFE, PHP)), jpeg, filename="a.php.jpg")
    yield hostile("jpeg-and-html-in-exif", _jpeg((0xE1, b"Exif\0\0" + SCRIPT)), jpeg)
    yield hostile("jpeg-and-script-after", _jpeg(end=b"*/=alert(1)//"), jpeg, filename="a.js")
    yield hostile("jpeg-and-zip", _jpeg(end=_archive()), jpeg, filename="a.zip")
    yield hostile("jpeg-and-pdf", _jpeg((0xFE, b"%PDF-1.7 " + SCRIPT)), jpeg)
    yield hostile("jpeg-then-html", b"\xff\xd8\xff" + SCRIPT, jpeg, UNREADABLE)
    yield hostile("webp-then-html", b"RIFF\0\1\0\0WEBPVP8 " + SCRIPT, webp, UNREADABLE)
    yield hostile("webp-and-html-after", SAMPLES[webp] + SCRIPT, webp, filename="a.htm")
    yield hostile("riff-wave", b"RIFF\x24\0\0\0WAVEfmt " + bytes(20), webp, MISMATCH)
    yield hostile("riff-avi", b"RIFF\x24\0\0\0AVI LIST" + bytes(20), webp, MISMATCH)
    yield hostile("pdf-and-zip", SAMPLES[pdf] + _archive(), pdf, filename="a.zip")
    yield hostile("pdf-and-html", b"%PDF-1.7\n" + SCRIPT, pdf, filename="a.html")
    yield hostile("pdf-and-script", b"%PDF-1.7\n1 0 obj <</OpenAction <</S /JavaScript>>>>", pdf)
    yield hostile("html-then-pdf", SCRIPT + SAMPLES[pdf], pdf, MISMATCH)
    yield hostile("zip-then-pdf", _archive() + SAMPLES[pdf], pdf, MISMATCH)
    yield hostile("pdf-as-png", SAMPLES[pdf], png_, MISMATCH)
    yield hostile("mp4-and-html", SAMPLES[mp4] + _box(b"free", SCRIPT), mp4, filename="a.html")
    yield hostile("mp4-and-html-in-brands", _box(b"ftyp", b"isom\0\0\0\0" + SCRIPT[:40]), mp4)
    yield hostile("html-in-a-box", _box(b"html", SCRIPT), mp4, MISMATCH)
    for brand in (b"qt  ", b"heic", b"avif", b"mif1", b"M4A ", b"crx ", b"jp2 ", b"\0\0\0\0"):
        name = f"brand-{brand.decode().strip()}".strip("\0")
        yield hostile(name, _box(b"ftyp", brand + bytes(4) + brand), mp4, MISMATCH)
    yield hostile("webm-and-html", SAMPLES[webm] + SCRIPT, webm, filename="a.html")
    matroska = SAMPLES[webm].replace(b"\x84webm", b"\x88matroska")
    yield hostile("matroska", matroska, webm, MISMATCH)
    yield hostile("ebml-and-html", b"\x1a\x45\xdf\xa3\x9f" + SCRIPT, webm, MISMATCH)
    for kind in FileType:
        for said in FileType:
            if kind is not said and (kind.is_image or said.is_image):
                yield hostile(f"{kind.name}-as-{said.name}", SAMPLES[kind], said, MISMATCH)


def _said_to_be() -> Iterator[Hostile]:
    """Text that a browser would run, said to be anything; and types that are none."""
    for kind in FileType:
        yield hostile(f"svg-as-{kind.name}", SVG, kind, MISMATCH, filename="a.svg")
        yield hostile(f"html-as-{kind.name}", SCRIPT, kind, MISMATCH, filename="a.html")
        yield hostile(f"nothing-as-{kind.name}", b"", kind, MISMATCH)
    yield hostile("text-called-png", b"I am an image, honestly.\n", "image/png", MISMATCH)
    yield hostile("xml", b'<?xml version="1.0"?>' + SVG, "image/png", MISMATCH)
    yield hostile("zeros", bytes(1000), "image/png", MISMATCH)
    for said in (
        *("image/svg+xml", "text/html", "application/xhtml+xml", "text/xml", "text/plain"),
        *("application/octet-stream", "image/gif", "image/bmp", "image/tiff", "image/x-icon"),
        *("application/javascript", "application/x-httpd-php", "text/css", "message/rfc822"),
        *("image/*", "*/*", "image/png,text/html", "image/pngx", "image", "png", "/", "image/png/"),
        *("multipart/mixed", "multipart/form-data; boundary=x", "image/\x0bpng", "\u0131mage/png"),
    ):
        yield hostile(f"said-{said!r}", SAMPLES[FileType.PNG], said, NOT_ALLOWED)
    yield hostile("said-nothing", SAMPLES[FileType.PNG], None, NOT_ALLOWED)


def _programs_and_archives() -> Iterator[Hostile]:
    """Programs, and archives that grow when they are opened."""
    programs = {
        "elf": b"\x7fELF\2\1\1" + bytes(60),
        "windows": b"MZ\x90\0" + bytes(60) + b"PE\0\0",
        "mac": b"\xcf\xfa\xed\xfe" + bytes(60),
        "java": b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(60),
        "wasm": b"\0asm\1\0\0\0",
        "shell": b"#!/bin/sh\nrm -rf ~\n",
        "batch": b"@echo off\r\nformat c:\r\n",
        "link": b"L\0\0\0\1\x14\2\0\0\0\0\0\xc0\0\0\0\0\0\0\x46",
        "flash": b"CWS\x0a" + bytes(20),
    }
    bomb = _archive(8 * 1024 * 1024)
    archives = {
        "zip-bomb": bomb,
        "zip-in-zip": _archive() + bomb,
        "gzip-bomb": zlib.compress(bytes(8 * 1024 * 1024), wbits=31),
        "bzip2": b"BZh91AY&SY" + bytes(40),
        "xz": b"\xfd7zXZ\0" + bytes(40),
        "7z": b"7z\xbc\xaf\x27\x1c" + bytes(40),
        "rar": b"Rar!\x1a\7\1\0" + bytes(40),
    }
    for name, content in {**programs, **archives}.items():
        yield hostile(f"{name}-as-png", content, "image/png", MISMATCH)
        yield hostile(f"{name}-as-pdf", content, "application/pdf", MISMATCH, filename="a.pdf")
    yield hostile("zip-bomb-as-zip", bomb, "application/zip", NOT_ALLOWED, filename="a.zip")


def _floods() -> Iterator[Hostile]:
    """Images that claim more pixels than any machine has room for, and others that grow."""
    head = b"\x08\xff\xff\xff\xff\x03\1\x11\0\2\x11\0\3\x11\0"
    yield hostile("png-65535", png(65_535, 65_535), "image/png", TOO_LARGE)
    yield hostile("png-longest", png(2**31 - 1, 2**31 - 1), "image/png", TOO_LARGE)
    yield hostile("png-too-long", png(2**32 - 1, 1), "image/png", UNREADABLE)
    yield hostile("png-one-pixel-more", png(50_000_001, 1), "image/png", TOO_LARGE)
    yield hostile("png-no-width", png(0, 5), "image/png", UNREADABLE)
    yield hostile("png-no-height", png(5, 0), "image/png", UNREADABLE)
    yield hostile("jpeg-65535", _jpeg((0xC0, head)), "image/jpeg", TOO_LARGE)
    yield hostile("jpeg-no-height", _jpeg((0xC0, b"\x08\0\0" + head[3:])), "image/jpeg", UNREADABLE)
    yield hostile("webp-largest", _webp(b"VP8X", bytes(4) + b"\xff" * 6), "image/webp", TOO_LARGE)
    yield hostile(
        "webp-16384", _webp(b"VP8L", b"\x2f\xff\xff\xff\x0f" + bytes(9)), "image/webp", TOO_LARGE
    )
    lossy = b"\0\0\0\x9d\x01\x2a\xff\x3f\xff\x3f" + bytes(9)
    yield hostile("webp-16383", _webp(b"VP8 ", lossy), "image/webp", TOO_LARGE)
    yield hostile("webp-no-width", _webp(b"VP8 ", lossy[:6] + bytes(13)), "image/webp", UNREADABLE)
    bomb = zlib.compress(bytes(20_000_000), 9)
    yield hostile("png-bomb-of-pixels", png(7_000, 7_000, pixels=bomb), "image/png")
    text = png_chunk(b"zTXt", b"a\0\0" + bomb)
    yield hostile("png-bomb-of-text", png(3, 2, before=text), "image/png")
    profile = png_chunk(b"iCCP", b"a\0\0" + bomb)
    yield hostile("png-bomb-of-a-profile", png(3, 2, before=profile), "image/png")
    yield hostile("png-of-chunks", png(3, 2, before=png_chunk(b"aaAa", b"") * 80_000), "image/png")
    yield hostile("jpeg-of-segments", _jpeg(*[(0xFE, b"")] * 200_000), "image/jpeg", UNREADABLE)
    yield hostile("jpeg-of-fill", b"\xff\xd8" + b"\xff" * 500_000, "image/jpeg", UNREADABLE)


def _cut_short() -> Iterator[Hostile]:
    """Images that end too early, at places that are the same each time."""
    needed = {FileType.PNG: (8, 33), FileType.JPEG: (3, 0), FileType.WEBP: (12, 25)}
    for kind, (signature, header) in needed.items():
        out = io.BytesIO()
        noise = Image.effect_noise((90, 70), 50).convert("RGB")
        noise.save(out, kind.name, **({"lossless": True} if kind is FileType.WEBP else {}))
        whole = out.getvalue()
        # The frame's header of a JPEG: marker, length, precision, height and width.
        complete = header or whole.find(b"\xff\xc0") + 9
        places = random.Random(kind.name)  # noqa: S311 - the same each time
        ends = [1, signature - 1, signature, complete - 1, complete, len(whole) - 1]
        ends += [places.randrange(complete, len(whole)) for _ in range(5)]
        for end in sorted(set(ends)):
            refused = MISMATCH if end < signature else UNREADABLE if end < complete else None
            yield hostile(f"{kind.name}-of-{end}-bytes", whole[:end], kind, refused)
