"""Specifies GET /files/{id}/thumbnails/{width}: smaller pictures of images."""

import hashlib
import io
from base64 import b64encode

import pytest
from PIL import Image

from tests.support.http import fields, problem
from tests.support.posts import a_post_that_is
from tests.support.previewing import BLUR_HASH, a_previewed_image
from tests.support.product import Api
from tests.support.uploading import upload


async def test_a_thumbnail_is_answered_in_full(api: Api) -> None:
    """200 with WebP of that width, and the fields of any file's bytes."""
    file = await a_previewed_image(api, api.author)
    answer = await api.author.get(f"{file.path}/thumbnails/320")
    digest = hashlib.sha256(answer.content)
    with Image.open(io.BytesIO(answer.content)) as opened:
        seen = opened.format, opened.size

    assert answer.status_code == 200
    assert seen == ("WEBP", (320, 160))
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none';")
    assert fields(answer) == {
        "content-type": "image/webp",
        "etag": f'"{digest.hexdigest()}"',
        "last-modified": "Sun, 01 Mar 2026 09:00:00 GMT",
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable",
        "vary": "Accept, Authorization",
        "content-disposition": f'inline; filename="{file.id}-320.webp"',
        "repr-digest": f"sha-256=:{b64encode(digest.digest()).decode()}:",
    }


async def test_metadata_lead_to_the_thumbnails(api: Api) -> None:
    """Blur hash and thumbnails are in the metadata, under a new entity tag."""
    file = await a_previewed_image(api, api.author)
    metadata = (await api.author.get(f"{file.path}/metadata")).json()

    assert (metadata["blurHash"], metadata["version"]) == (BLUR_HASH, 2)
    assert [each["href"] for each in metadata["thumbnails"]] == [
        f"{file.path}/thumbnails/320",
        f"{file.path}/thumbnails/640",
    ]


@pytest.mark.parametrize(
    "width", ["1280", "321", "0320", "320.0", "-1", "0", "%33%32%30x", "x" * 200]
)
async def test_other_widths(api: Api, width: str) -> None:
    """A width of which there is no thumbnail is 404."""
    file = await a_previewed_image(api, api.author)

    problem(await api.author.get(f"{file.path}/thumbnails/{width}"), 404, "file_not_found")


async def test_before_they_are_made(api: Api) -> None:
    """An image that was uploaded just now has none, and no cache keeps that."""
    location = (await upload(api.author)).headers["location"]
    answer = await api.author.get(f"{location}/thumbnails/320")

    problem(answer, 404, "file_not_found")
    assert answer.headers["cache-control"] == "no-store"


async def test_shown_with_its_image(api: Api) -> None:
    """Who may see the image may see its thumbnails; caches share those of a published one."""
    file = await a_previewed_image(api, api.author)
    path = f"{file.path}/thumbnails/640"
    before = await api.anonymous.get(path)
    await a_post_that_is("published", api.author, api.admin, coverImage=str(file.id))
    after = await api.anonymous.get(path)

    problem(before, 404, "file_not_found")
    assert after.status_code == 200
    assert after.headers["cache-control"] == "public, max-age=3600, immutable"
    assert (await api.author.get(path)).headers["cache-control"] == after.headers["cache-control"]


async def test_parts_and_conditions(api: Api) -> None:
    """Ranges, conditions and HEAD work as for any file."""
    file = await a_previewed_image(api, api.author)
    path = f"{file.path}/thumbnails/320"
    whole = await api.author.get(path)
    part = await api.author.get(path, headers={"Range": "bytes=0-11"})
    same = await api.author.get(path, headers={"If-None-Match": whole.headers["etag"]})
    head = await api.author.head(path)

    assert (part.status_code, part.content) == (206, whole.content[:12])
    assert same.status_code == 304
    assert (head.status_code, head.headers["etag"]) == (200, whole.headers["etag"])


async def test_gone_with_its_image(api: Api) -> None:
    """The thumbnails of a deleted image are gone."""
    file = await a_previewed_image(api, api.author)
    await api.author.delete(file.path)

    problem(await api.author.get(f"{file.path}/thumbnails/320"), 404, "file_not_found")
