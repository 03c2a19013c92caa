"""Specifies what POST /upload refuses: forms, sizes, types and images (HTTP contract, 17)."""

import zlib

import pytest

from api.file_form import AROUND_BYTES, MOST_FIELDS
from domain.file_type import ALLOWED, FileType
from tests.support.http import problem
from tests.support.product import Api
from tests.support.uploading import (
    BOUNDARY,
    FORM,
    NOTHING,
    SAMPLES,
    a_png,
    chunks,
    filled,
    form,
    kept,
    part,
    send_form,
    upload,
)

LIMIT = 10 * 1024 * 1024


# --- 400 ----------------------------------------------------------------------------------------

NO_FILES = {
    "nothing": form(),
    "a field": form(part(b"text", name="title", filename=None, mime=None)),
    "an empty choice": form(part(b"", filename="", mime="application/octet-stream")),
}


@pytest.mark.parametrize("body", NO_FILES.values(), ids=NO_FILES)
async def test_a_form_without_a_file_is_refused(api: Api, body: bytes) -> None:
    """400 names the member that is missing."""
    assert problem(await send_form(api.author, body), 400, "no_file")["member"] == "file"
    assert await kept(api) == NOTHING


async def test_a_second_file_is_refused(api: Api) -> None:
    """400 whatever the second one is called; the first is not kept either."""
    for name in ("file", "other"):
        two = form(part(a_png()), part(a_png(5, 5), name=name))
        problem(await send_form(api.author, two), 400, "too_many_files")
    assert await kept(api) == NOTHING


WRONG_FORMS = {
    "empty": b"",
    "text": b"just text",
    "cut in the file": form(part(a_png()))[:-20],
    "cut before the end": form(part(a_png()))[: -len(f"--{BOUNDARY}--\r\n")],
    "cut in the head": part(a_png())[:30],
    "no disposition": form(part(a_png())).replace(b"Content-Disposition", b"Disposition"),
    "bare line feeds": form(part(a_png())).replace(b"\r\n", b"\n"),
    "a head of bytes": form(part(a_png(), filename="x").replace(b"picture", b"\xff\xfe")).replace(
        b'"x"', b'"\xff\xfe"'
    ),
    "too many fields": form(
        *[part(b"x", name="a", filename=None, mime=None)] * (MOST_FIELDS + 1), part(a_png())
    ),
    "a long head": form(part(a_png(), filename="x" * 10_000)),
    "a wrong length": form(part(a_png()).replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n", 1)),
}


@pytest.mark.parametrize("body", WRONG_FORMS.values(), ids=WRONG_FORMS)
async def test_a_malformed_form_is_refused(api: Api, body: bytes) -> None:
    """400, and nothing is kept."""
    problem(await send_form(api.author, body), 400, "invalid_body")
    assert await kept(api) == NOTHING


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=a; boundary=b",
        f"multipart/form-data; boundary={'x' * 71}",
        'multipart/form-data; boundary="\xe4"',
    ],
)
async def test_a_form_needs_one_boundary(api: Api, content_type: str) -> None:
    """400 names the field."""
    answer = await api.author.send(
        "POST", "/upload", form(part(a_png())), headers=[(b"Content-Type", content_type.encode())]
    )

    assert problem(answer, 400, "malformed_header")["member"] == "Content-Type"


# --- 413 ----------------------------------------------------------------------------------------


async def test_a_length_over_the_limit_is_refused_unread(api: Api) -> None:
    """413 says the limit, before any of the body has come."""
    async with api.raw() as connection:
        await connection.send(
            f"POST /upload HTTP/1.1\r\nHost: {api.host}\r\n"
            f"Authorization: Bearer {api.author.token()}\r\nContent-Type: {FORM}\r\n"
            f"Content-Length: {LIMIT + AROUND_BYTES + 1}\r\n\r\n".encode()
        )
        answer = await connection.answer()

    members = answer.problem()
    assert (answer.status, members["error"], members["maxBytes"]) == (413, "file_too_large", LIMIT)


@pytest.mark.parametrize("extra", [1, AROUND_BYTES, 4 * AROUND_BYTES])
async def test_a_file_over_the_limit_is_refused_as_it_comes(api: Api, extra: int) -> None:
    """413 in the middle where no length told, and the file is never cut."""
    body = form(part(filled(LIMIT + extra)))
    answer = await send_form(api.author, chunks(body))

    assert problem(answer, 413, "file_too_large")["maxBytes"] == LIMIT
    assert await kept(api) == NOTHING


async def test_one_byte_too_many_is_refused_whatever_the_length_says(api: Api) -> None:
    """The room for the form around the file is not room for the file."""
    problem(await upload(api.author, filled(LIMIT + 1)), 413, "file_too_large")
    assert await kept(api) == NOTHING


# --- 415 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mime",
    [
        "image/svg+xml",
        "text/html",
        "text/plain",
        "application/octet-stream",
        "image/gif",
        "image/png/x",
        "*/*",
        "",
        None,
    ],
)
async def test_a_type_outside_the_list_is_refused(api: Api, mime: str | None) -> None:
    """415 with the list, whatever the bytes are."""
    answer = await send_form(api.author, form(part(a_png(), mime=mime)))

    assert problem(answer, 415, "mime_not_allowed")["allowed"] == list(ALLOWED)
    assert await kept(api) == NOTHING


LIES = {
    "text": b"just text",
    "nothing": b"",
    "html": b"<!doctype html><script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "gif": b"GIF89a\1\0\1\0\0\0\0;",
    "zip": b"PK\3\4" + b"\0" * 100,
    "exe": b"MZ\x90\0" + b"\0" * 100,
    "elf": b"\x7fELF" + b"\0" * 100,
    "a signature cut short": b"\x89PNG\r\n",
    "a space before": b" " + a_png(),
    "wave": b"RIFF\x24\0\0\0WAVEfmt ",
    "quicktime": b"\0\0\0\x14ftypqt  \0\0\2\0qt  ",
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0heicmp41",
    "matroska": SAMPLES[FileType.WEBM].replace(b"webm", b"mkv\0"),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
@pytest.mark.parametrize("kind", FileType, ids=str)
async def test_bytes_that_are_something_else_are_refused(
    api: Api, lie: bytes, kind: FileType
) -> None:
    """415 for every type that they could be said to be, and nothing is kept."""
    problem(await upload(api.author, lie, mime=kind), 415, "mime_mismatch")
    assert await kept(api) == NOTHING


async def test_a_type_must_be_the_right_one_of_the_list(api: Api) -> None:
    """Each of the types is refused under the name of each other."""
    for kind, content in SAMPLES.items():
        for other in FileType:
            if other is not kind:
                problem(await upload(api.author, content, mime=other), 415, "mime_mismatch")
    assert await kept(api) == NOTHING


async def test_a_body_that_is_no_form_is_refused(api: Api) -> None:
    """415 says what is taken."""
    for content_type in ("application/json", "image/png", None):
        answer = await api.author.send("POST", "/upload", a_png(), content_type=content_type)
        problem(answer, 415, "unsupported_media_type")
        assert answer.headers["accept-post"] == "multipart/form-data"


async def test_a_coded_body_is_refused(api: Api) -> None:
    """415 says that no coding is taken."""
    answer = await upload(api.author, headers={"Content-Encoding": "gzip"})

    problem(answer, 415, "unsupported_coding")


# --- 422 ----------------------------------------------------------------------------------------


async def test_a_flood_of_pixels_is_refused(api: Api) -> None:
    """A small file that claims fifty million pixels and more is 422, unopened."""
    image = a_png(1, 1)
    header = b"IHDR" + (30_000).to_bytes(4) * 2 + image[24:29]
    flood = image[:12] + header + zlib.crc32(header).to_bytes(4) + image[33:]

    problem(await upload(api.author, flood), 422, "image_too_large")
    assert await kept(api) == NOTHING


@pytest.mark.parametrize(
    ("kind", "keep"), [(FileType.PNG, 20), (FileType.JPEG, 22), (FileType.WEBP, 22)]
)
async def test_an_image_without_a_header_is_refused(api: Api, kind: FileType, keep: int) -> None:
    """422: it begins like an image, and says nothing of its size."""
    answer = await upload(api.author, SAMPLES[kind][:keep], mime=kind)

    problem(answer, 422, "image_unreadable")
    assert await kept(api) == NOTHING
