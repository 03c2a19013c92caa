"""No upload does harm: each is refused with a clear word, or is served as what its bytes are."""

import re
from collections.abc import Callable

import pytest

from domain.file_type import FileType
from tests.support.hostile_files import Hostile, hostile_files
from tests.support.hostile_forms import hostile_forms
from tests.support.http import Client, problem
from tests.support.product import Api
from tests.support.uploading import NOTHING, SAMPLES, form, kept, part, upload_head
from tests.support.waiting import eventually

HOSTILE = (*hostile_files(), *hostile_forms())
DISPOSITION = re.compile(
    r"(?P<how>inline|attachment); "
    r'filename="(?P<plain>[A-Za-z0-9_()+,=@-][A-Za-z0-9 _.()+,=@-]*)"'
    r"(; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]+)?"
)


def test_they_are_many() -> None:
    """At least 150 different ones, each with a name of its own."""
    names = [each.name for each in HOSTILE]

    assert len(set(names)) == len(names) >= 150


@pytest.mark.parametrize("sent", HOSTILE, ids=lambda each: each.name)
async def test_hostile_upload(api: Api, sent: Hostile) -> None:
    """It is refused as expected and leaves nothing; or what is downloaded is safe."""
    answer = await api.author.send("POST", "/upload", sent.body, content_type=sent.media_type)
    if sent.refused is not None:
        problem(answer, *sent.refused)

        assert await kept(api) == NOTHING
        return
    assert answer.status_code == 201, answer.text
    assert (answer.json()["mime"], answer.json()["size"]) == (sent.type, len(sent.content or b""))
    for client in (api.author, api.admin):
        await _is_safe(client, answer.headers["location"], sent)


async def _is_safe(client: Client, location: str, sent: Hostile) -> None:
    """Download it and look at what a browser goes by; see also `check_every_answer`."""
    download = await client.get(location)
    named = DISPOSITION.fullmatch(download.headers["content-disposition"])

    assert (download.status_code, download.content) == (200, sent.content)
    assert download.headers["content-type"] == sent.type
    assert download.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert named is not None, download.headers["content-disposition"]
    assert named["how"] == ("inline" if sent.type.inline else "attachment")
    assert named["plain"].endswith((f".{sent.type.extension}", ".jpeg"))
    assert not download.headers.keys() & {"set-cookie", "x", "location", "refresh"}


@pytest.mark.parametrize(
    ("length", "more", "status"),
    [
        (lambda size: size - 40, (), 400),
        (lambda _: 10**12, (), 413),
        (lambda _: 0, (), 400),
        (lambda size: size, ("Content-Encoding: gzip",), 415),
        (lambda size: size, ("Transfer-Encoding: chunked",), 400),
        (lambda size: size, ("Content-Length: 5",), 400),
    ],
    ids=["short", "huge", "zero", "coded", "chunked-too", "twice"],
)
async def test_lengths_that_lie(
    api: Api, length: Callable[[int], int], more: tuple[str, ...], status: int
) -> None:
    """What is said of the body's length is not believed beyond what comes."""
    body = form(part(SAMPLES[FileType.PNG]))
    async with api.raw() as connection:
        await connection.send(upload_head(api, length(len(body)), *more) + body)
        answer = await connection.answer()

    assert answer.status == status
    assert await kept(api) == NOTHING


async def test_a_body_that_never_comes(api: Api) -> None:
    """Whoever leaves before the body is whole leaves nothing."""
    body = form(part(SAMPLES[FileType.PNG]))
    async with api.raw() as connection:
        await connection.send(upload_head(api, len(body) + 1) + body[:-1])

    async def nothing() -> bool:
        return await kept(api) == NOTHING

    assert await eventually(nothing)
