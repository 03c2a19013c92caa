"""Specifies POST /upload (HTTP contract, 17)."""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from uuid import UUID

import pytest

from domain.file_type import FileType
from infra.files.uploads import MOST_UNDER_WAY
from tests.support.http import fields, problem
from tests.support.product import Api, running_api
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
    upload_head,
)
from tests.support.waiting import eventually

LIMIT = 10 * 1024 * 1024


async def test_an_upload_is_answered_in_full(api: Api) -> None:
    """201 with where the file is, what it is, and the digest of what was kept."""
    content = a_png(3, 2)
    answer = await upload(api.author, content)

    digest = hashlib.sha256(content)
    body = answer.json()
    file_id = body["id"]
    assert answer.status_code == 201
    assert UUID(file_id).version == 7
    assert fields(answer) == {
        "content-type": "application/json",
        "location": f"/files/{file_id}",
        "etag": f'"{digest.hexdigest()}"',
        "last-modified": "Sun, 01 Mar 2026 09:00:00 GMT",
        "cache-control": "private, no-cache",
        "repr-digest": f"sha-256=:{b64encode(digest.digest()).decode()}:",
    }
    assert body == {
        "id": file_id,
        "name": "a picture.png",
        "size": len(content),
        "mime": "image/png",
        "digest": digest.hexdigest(),
        "width": 3,
        "height": 2,
        "blurHash": None,
        "thumbnails": [],
        "createdAt": "2026-03-01T09:00:00.123456Z",
        "version": 1,
    }
    after = await kept(api)
    assert (after.files, after.blob_rows, after.holds) == (1, 1, 0)
    assert (after.blobs, after.incoming) == ((digest.hexdigest(),), ())


@pytest.mark.parametrize("kind", FileType, ids=str)
async def test_every_type_is_taken(api: Api, kind: FileType) -> None:
    """Width and height are those of images alone."""
    answer = await upload(api.author, SAMPLES[kind], filename="x", mime=kind)

    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["mime"], body["size"]) == (kind, len(SAMPLES[kind]))
    assert (body["width"], body["height"]) == ((3, 2) if kind.is_image else (None, None))


async def test_the_largest_file_is_taken(api: Api) -> None:
    """A file of exactly the limit is, with its form around it."""
    answer = await upload(api.author, filled(LIMIT))

    assert (answer.status_code, answer.json()["size"]) == (201, LIMIT)


async def test_the_file_may_have_any_member_and_others_beside_it(api: Api) -> None:
    """Fields before and after the file are ignored, up to five of them."""
    field = part(b"text", name="title", filename=None, mime=None)
    empty = part(b"", name="other", filename="", mime="application/octet-stream")
    answer = await send_form(
        api.author, form(field, field, part(a_png(), name="picture"), field, field, empty)
    )

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("sent", "kept_name"),
    [
        ("plain.png", "plain.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\\\Users\\\\a\\\\b.png", "b.png"),
        ("caf\u00e9 \u4f60.png", "caf\u00e9 \u4f60.png"),
        ("cafe\u0301.png", "caf\u00e9.png"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("a\tb\x7f.png", "ab.png"),
        ("line%0D%0Abreak.png", "linebreak.png"),
        ("quo%22te.png", 'quo"te.png'),
        ("..", None),
        ("a/", None),
        ("x" * 300, "x" * 255),
    ],
)
async def test_a_name_is_kept_without_what_could_deceive(
    api: Api, sent: str, kept_name: str | None
) -> None:
    """Folders, controls and marks of direction go; where nothing is left there is no name."""
    answer = await upload(api.author, filename=sent)

    assert (answer.status_code, answer.json()["name"]) == (201, kept_name)


async def test_a_name_is_nowhere_in_plain_text(api: Api) -> None:
    """Events and rows hold it sealed."""
    await upload(api.author, filename="canary-name.png")
    events = await api.product.database.fetch(
        "select data::text from events where category = 'file'"
    )
    rows = await api.product.database.fetch("select files::text from files")

    assert len(events) == len(rows) == 1
    assert "canary" not in events[0][0] + rows[0][0]


async def test_the_same_bytes_are_stored_once(api: Api) -> None:
    """Two files of two accounts share one blob."""
    first = await upload(api.author)
    second = await upload(api.second_author)

    assert first.json()["id"] != second.json()["id"]
    after = await kept(api)
    assert (after.files, len(after.blobs)) == (2, 1)


async def test_the_same_bytes_at_the_same_moment_are_stored_once(api: Api) -> None:
    """However many send them."""
    answers = await asyncio.gather(*(upload(api.author, filled(300_000)) for _ in range(16)))

    assert {answer.status_code for answer in answers} == {201}
    after = await kept(api)
    assert (after.files, after.holds, len(after.blobs), after.incoming) == (16, 0, 1, ())


async def test_files_are_private_to_the_product(api: Api) -> None:
    """Nobody else on the machine can read them, nor the folders that they are in."""
    await upload(api.author)
    root = api.settings.data_dir / "files"

    modes = {path.stat().st_mode & 0o777 for path in (root, *root.rglob("*")) if path.is_dir()}
    assert modes == {0o700}
    assert {path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_file()} == {0o600}


# --- who ----------------------------------------------------------------------------------------


async def test_nobody_uploads_without_a_token(api: Api) -> None:
    """401 comes before anything is said of the body."""
    problem(await upload(api.anonymous), 401, "unauthenticated")
    problem(
        await api.anonymous.send("POST", "/upload", b"x" * 100, content_type="text/plain"),
        401,
        "unauthenticated",
    )


async def test_only_authors_upload(api: Api) -> None:
    """403 for all others, unread."""
    for client in (api.admin, api.auditor, api.operator):
        problem(await upload(client, filled(LIMIT + 1)), 403, "forbidden")


async def test_what_the_sender_may_is_read_again_in_the_end(api: Api) -> None:
    """Who lost their session while the body came leaves nothing."""
    body = form(part(filled(200_000)))

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:100_000]
        await api.author.send("POST", "/logout", {})
        yield body[100_000:]

    problem(await send_form(api.author, slowly()), 401, "invalid_token")
    assert await kept(api) == NOTHING


# --- 503 and 507 --------------------------------------------------------------------------------


async def test_an_account_has_a_quota(database_url: str) -> None:
    """507 where the file would be one too many; what was deleted makes room; others have theirs."""
    async with running_api(database_url, variables={"FILE_QUOTA_BYTES": "250000"}) as api:
        first = await upload(api.author, filled(100_000, 1))
        await upload(api.author, filled(100_000, 2))
        before = await kept(api)

        problem(await upload(api.author, filled(60_000, 3)), 507, "quota_exceeded")
        problem(
            await send_form(api.author, chunks(form(part(filled(60_000, 3))))),
            507,
            "quota_exceeded",
        )
        problem(await upload(api.author, filled(400_000, 3)), 507, "quota_exceeded")
        assert await kept(api) == before
        assert (await upload(api.author, filled(50_000, 3))).status_code == 201
        assert (await upload(api.second_author, filled(200_000, 4))).status_code == 201
        await api.author.delete(first.headers["location"])
        assert (await upload(api.author, filled(100_000, 5))).status_code == 201


async def test_uploads_at_the_same_moment_share_the_quota(database_url: str) -> None:
    """Of many that fit alone only as many are taken as fit together."""
    async with running_api(database_url, variables={"FILE_QUOTA_BYTES": "350000"}) as api:
        answers = await asyncio.gather(
            *(send_form(api.author, chunks(form(part(filled(100_000, n))))) for n in range(8))
        )

        assert sorted(answer.status_code for answer in answers) == [201] * 3 + [507] * 5
        after = await kept(api)
        assert (after.files, after.holds, len(after.blobs), after.incoming) == (3, 0, 3, ())


async def test_only_so_many_uploads_are_under_way(api: Api) -> None:
    """503 past it, at once; when they have ended another is taken."""
    body = form(part(a_png()))
    async with AsyncExitStack() as held:
        for number in range(1, MOST_UNDER_WAY + 1):
            connection = await held.enter_async_context(api.raw())
            await connection.send(upload_head(api, len(body)) + body[:50])
            assert await eventually(partial(_holds, api, number))
        answer = await upload(api.author)

        problem(answer, 503, "overloaded")
        assert int(answer.headers["retry-after"]) > 0
    assert await eventually(partial(_holds, api, 0))
    assert (await upload(api.author)).status_code == 201


async def _holds(api: Api, number: int) -> bool:
    return (await kept(api)).holds == number


# --- Idempotency-Key ----------------------------------------------------------------------------

KEY = {"Idempotency-Key": '"an upload"'}


async def test_a_repeated_upload_gets_the_first_answer(api: Api) -> None:
    """The same status, fields and body; nothing is stored twice, whatever the boundary is."""
    first = await upload(api.author, headers=KEY)
    before = await kept(api)
    api.clock.advance()
    other = form(part(a_png())).replace(BOUNDARY.encode(), b"another-boundary")
    again = await upload(api.author, headers=KEY)
    differently = await api.author.send(
        "POST",
        "/upload",
        other,
        headers=KEY,
        content_type="multipart/form-data; boundary=another-boundary",
    )

    assert first.status_code == 201
    for answer in (again, differently):
        assert (answer.status_code, fields(answer), answer.content) == (
            201,
            fields(first),
            first.content,
        )
    assert await kept(api) == before


async def test_another_file_with_the_key_is_refused(api: Api) -> None:
    """422 for other bytes or another name."""
    await upload(api.author, headers=KEY)
    before = await kept(api)
    problem(await upload(api.author, a_png(4, 4), headers=KEY), 422, "idempotency_key_reused")
    problem(await upload(api.author, filename="b.png", headers=KEY), 422, "idempotency_key_reused")

    assert await kept(api) == before


async def test_a_key_in_flight_is_refused_at_once(api: Api) -> None:
    """409 while the first is still coming."""
    body = form(part(filled(200_000)))
    go_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:100_000]
        await go_on.wait()
        yield body[100_000:]

    first = asyncio.create_task(send_form(api.author, slowly(), headers=KEY))
    assert await eventually(partial(_in_flight, api))
    problem(await send_form(api.author, body, headers=KEY), 409, "idempotency_key_in_flight")
    go_on.set()

    assert (await first).status_code == 201


async def _in_flight(api: Api) -> bool:
    return bool(api.services.in_flight_keys)


async def test_a_refused_upload_may_be_corrected_under_its_key(api: Api) -> None:
    """Refusals use no key up."""
    problem(await upload(api.author, b"text", headers=KEY), 415, "mime_mismatch")

    assert (await upload(api.author, headers=KEY)).status_code == 201


async def test_a_repeat_gets_its_answer_also_when_the_quota_is_used_up(database_url: str) -> None:
    """What is replayed takes no room."""
    async with running_api(database_url, variables={"FILE_QUOTA_BYTES": "100000"}) as api:
        first = await upload(api.author, filled(100_000), headers=KEY)
        again = await upload(api.author, filled(100_000), headers=KEY)

        assert (again.status_code, again.content) == (201, first.content)


async def test_an_invited_body_is_taken(api: Api) -> None:
    """A client that waits for 100 Continue is invited, once it is known that it may upload."""
    body = form(part(a_png()))
    head = (
        f"POST /upload HTTP/1.1\r\nHost: {api.host}\r\nExpect: 100-continue\r\n"
        f"Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n"
    )
    async with api.raw() as connection:
        token = f"Authorization: Bearer {api.author.token()}\r\n\r\n"
        await connection.send((head + token).encode())
        invited = await connection.answer("HEAD")  # nothing comes after its head
        await connection.send(body)
        answer = await connection.answer()
    async with api.raw() as connection:
        await connection.send((head + "\r\n").encode())
        refused = await connection.answer()

    assert (invited.status, answer.status, refused.status) == (100, 201, 401)
