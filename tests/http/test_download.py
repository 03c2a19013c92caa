"""Specifies how files are downloaded whole, by condition and by whom (HTTP contract, 18)."""

import hashlib
from base64 import b64encode
from datetime import timedelta

import msgspec
import pytest

from api.services import Services
from commands.file_store import Blob, OpenBlobs, StorageUnavailableError
from domain.file_type import FileType
from tests.support.http import Headers, fields, if_match, problem
from tests.support.posts import a_published_post
from tests.support.product import Api, running_api
from tests.support.stored_files import StoredFile, a_file

NOT_THERE = "01920000-0000-7000-8000-000000000000"
MODIFIED = "Sun, 01 Mar 2026 09:00:00 GMT"
EARLIER, LATER = "Sun, 01 Mar 2026 08:59:59 GMT", "Sun, 01 Mar 2026 09:00:01 GMT"
SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"


def tag_of(file: StoredFile) -> str:
    """Give the entity tag of a file's bytes."""
    return f'"{hashlib.sha256(file.content).hexdigest()}"'


def digest_of(content: bytes) -> str:
    """Write the digest of bytes as RFC 9530 does."""
    return f"sha-256=:{b64encode(hashlib.sha256(content).digest()).decode()}:"


async def a_public_file(api: Api, *, name: str | None = None) -> StoredFile:
    """Give a file that a published post shows."""
    file = await a_file(api, api.author, name=name)
    await a_published_post(api.author, attachments=[str(file.id)])
    return file


async def test_its_owner_gets_a_file(api: Api) -> None:
    """200 with all that browsers and the owner's own caches need."""
    file = await a_file(api, api.author, name="photo.png")
    answer = await api.author.get(file.path)

    assert (answer.status_code, answer.content) == (200, file.content)
    assert answer.headers["content-security-policy"] == SANDBOX
    assert fields(answer) == {
        "content-type": "image/png",
        "etag": tag_of(file),
        "last-modified": MODIFIED,
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable",
        "vary": "Accept, Authorization",
        "content-disposition": 'inline; filename="photo.png"',
        "repr-digest": digest_of(file.content),
    }


async def test_a_file_that_a_published_post_shows_is_for_everybody(api: Api) -> None:
    """All caches may keep it for good, so that nothing of its owner is said with it."""
    file = await a_public_file(api, name="my holiday with Eve.png")
    answer = await api.anonymous.get(file.path)
    owners = await api.author.get(file.path)

    assert (answer.status_code, answer.content) == (200, file.content)
    assert answer.headers["cache-control"] == "public, max-age=3600, immutable"
    assert answer.headers["vary"] == "Accept"
    assert answer.headers["content-disposition"] == f'inline; filename="{file.id}.png"'
    assert "Eve" in owners.headers["content-disposition"]
    assert owners.headers["cache-control"].startswith("private")


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-9"}, {"Range": "bytes=9999-"}])
async def test_head_is_get_without_the_body_and_without_ranges(api: Api, headers: Headers) -> None:
    """It says what a plain GET would, whatever Range says (section 14.2)."""
    file = await a_file(api, api.author)
    got = await api.author.get(file.path)
    head = await api.author.head(file.path, headers=headers)

    assert (head.status_code, head.content) == (200, b"")
    assert fields(head) == fields(got)
    assert head.headers["content-length"] == "1000"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "conditions",
    [
        {"If-None-Match": "TAG"},
        {"If-None-Match": 'W/TAG, "other"'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": MODIFIED},
        {"If-None-Match": "TAG", "Range": "bytes=0-9"},
        {"If-None-Match": "TAG", "Range": "bytes=9999-"},
        {"If-None-Match": "TAG", "Range": "bytes=0-9", "If-Range": "TAG"},
        {"If-Match": "TAG", "If-None-Match": "TAG"},
    ],
)
async def test_a_current_copy_is_not_sent_again(
    api: Api, method: str, conditions: dict[str, str]
) -> None:
    """304 beats every Range, and carries what a cache keeps beside the bytes."""
    file = await a_public_file(api)
    headers = {name: value.replace("TAG", tag_of(file)) for name, value in conditions.items()}
    answer = await api.anonymous.send(method, file.path, headers=headers)

    assert answer.status_code == 304
    assert answer.headers["content-security-policy"] == SANDBOX
    assert fields(answer) == {
        "etag": tag_of(file),
        "cache-control": "public, max-age=3600, immutable",
        "vary": "Accept",
    }


@pytest.mark.parametrize(
    "conditions",
    [
        if_match('"other"'),
        if_match("W/TAG"),
        {"If-Unmodified-Since": EARLIER},
        {"If-Match": '"other"', "If-None-Match": "TAG", "Range": "bytes=0-9"},
    ],
)
async def test_a_condition_that_fails(api: Api, conditions: dict[str, str]) -> None:
    """412 with the current tag, before any Range is looked at."""
    file = await a_file(api, api.author)
    headers = {name: value.replace("TAG", tag_of(file)) for name, value in conditions.items()}
    answer = await api.author.get(file.path, headers=headers)

    problem(answer, 412, "stale_version")
    assert answer.headers["etag"] == tag_of(file)
    assert answer.headers["link"] == f'</streams/file/{file.id}>; rel="version-history"'


@pytest.mark.parametrize(
    "conditions",
    [
        {"If-Match": "TAG"},
        {"If-Match": "*"},
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": LATER},
        {"If-Modified-Since": EARLIER},
        {"If-Modified-Since": "yesterday"},
        {"If-Unmodified-Since": MODIFIED},
    ],
)
async def test_conditions_that_hold(api: Api, conditions: dict[str, str]) -> None:
    """The file is sent."""
    file = await a_file(api, api.author)
    headers = {name: value.replace("TAG", tag_of(file)) for name, value in conditions.items()}
    answer = await api.author.get(file.path, headers=headers)

    assert (answer.status_code, answer.content) == (200, file.content)


@pytest.mark.parametrize(
    ("accept", "status"),
    [("image/*", 200), ("*/*;q=0.1", 200), ("text/html", 406), ("image/png;q=0", 406)],
)
async def test_the_type_is_negotiated(api: Api, accept: str, status: int) -> None:
    """Whoever takes no such type is told what there is."""
    file = await a_file(api, api.author)
    answer = await api.author.get(file.path, headers={"Accept": accept})

    assert answer.status_code == status
    assert status == 200 or answer.json()["available"] == ["image/png"]


@pytest.mark.parametrize("kind", FileType)
async def test_what_a_browser_may_show_is_inline(api: Api, kind: FileType) -> None:
    """Images and videos; all else is an attachment. Only videos play below /videos."""
    file = await a_file(api, api.author, type=kind)
    answer = await api.author.get(file.path)
    video = await api.author.get(f"/videos/{file.id}")

    shown = kind is not FileType.PDF
    assert answer.headers["content-type"] == kind.value
    assert answer.headers["content-disposition"] == (
        f'{"inline" if shown else "attachment"}; filename="{file.id}.{kind.extension}"'
    )
    if kind.is_video:
        assert (video.content, fields(video)) == (file.content, fields(answer))
    else:
        problem(video, 404, "file_not_found")


@pytest.mark.parametrize("folder", ["files", "videos"])
async def test_what_is_not_there(api: Api, folder: str) -> None:
    """404 for what is missing or hidden, 400 for what is no id, 401 for a bad token."""
    file = await a_file(api, api.author, type=FileType.MP4)

    problem(await api.author.get(f"/{folder}/{NOT_THERE}"), 404, "file_not_found")
    problem(await api.anonymous.get(f"/{folder}/{file.id}"), 404, "file_not_found")
    problem(await api.second_author.get(f"/{folder}/{file.id}"), 404, "file_not_found")
    problem(await api.author.get(f"/{folder}/nonsense"), 400, "bad_id")
    headers = {"Authorization": "Bearer nonsense"}
    problem(await api.anonymous.get(f"/{folder}/{file.id}", headers=headers), 401, "invalid_token")


async def test_the_same_bytes_have_the_same_tag(api: Api) -> None:
    """It comes from the content, never from a clock."""
    first = await a_file(api, api.author)
    api.clock.advance(timedelta(days=1))
    second = await a_file(api, api.author)
    answers = [await api.author.get(file.path) for file in (first, second)]

    assert answers[0].headers["etag"] == answers[1].headers["etag"]
    assert answers[0].headers["last-modified"] != answers[1].headers["last-modified"]


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [("sha-256=1", True), ("sha-512=9, sha-256=1", True), ("sha-256=0", False), ("md5", False)],
)
async def test_a_content_digest_is_sent_where_it_is_wanted(
    api: Api, wanted: str, *, sent: bool
) -> None:
    """Of the whole it is that of the representation (RFC 9530)."""
    file = await a_file(api, api.author)
    answer = await api.author.get(file.path, headers={"Want-Content-Digest": wanted})

    assert answer.headers.get("content-digest") == (digest_of(file.content) if sent else None)


async def test_a_blob_that_is_missing_or_cut_is_a_fault_of_ours(api: Api) -> None:
    """500 or 503 before any byte, and never half a file that looks whole."""
    file = await a_file(api, api.author, b"a blob that is lost")
    missing = api.settings.data_dir / "files" / "sha256" / tag_of(file)[1:3] / tag_of(file)[1:-1]
    missing.unlink()
    lost = await api.author.get(file.path)
    cut = await a_file(api, api.author, b"a blob that is cut")
    place = api.settings.data_dir / "files" / "sha256" / tag_of(cut)[1:3] / tag_of(cut)[1:-1]
    place.write_bytes(b"a blob")
    short = await api.author.get(cut.path)

    problem(lost, 500, "internal_error")
    problem(short, 500, "internal_error")


async def test_storage_that_is_down_is_an_outage(database_url: str) -> None:
    """503, and the next request is answered once it is up again."""
    down = True

    class Failing:
        def __init__(self, blobs: OpenBlobs) -> None:
            self._blobs = blobs

        async def take(self, digest: str) -> Blob:
            if down:
                raise StorageUnavailableError("no answer")
            return await self._blobs.take(digest)

    def alter(services: Services) -> Services:
        return msgspec.structs.replace(services, open_blobs=Failing(services.open_blobs))

    async with running_api(database_url, alter=alter) as api:
        file = await a_file(api, api.author)
        refused = await api.author.get(file.path, headers={"Range": "bytes=0-9"})
        down = False
        answer = await api.author.get(file.path)

    problem(refused, 503, "service_degraded")
    assert refused.headers["retry-after"] == "2"
    assert answer.content == file.content
