"""Specifies what the header fields say of a body: its type, coding and length (8 and 9)."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.http import fields, problem
from tests.support.posts import a_draft, a_post
from tests.support.product import Api

MIB = 1024 * 1024
DRAFT = json.dumps(a_draft()).encode()

WRONG_TYPES = [
    None,
    "text/plain",
    "text/json",
    "application/jsonx",
    "application/*",
    "*/*",
    "multipart/form-data; boundary=x",
    "application/json, application/json",
    "application/json; charset=latin-1",
    "application/json; charset",
    "json",
    "",
    "application/vnd.api+json",
    "application/json-patch+json",
]


@pytest.mark.parametrize("content_type", WRONG_TYPES)
async def test_a_wrong_type_is_refused(api: Api, content_type: str | None) -> None:
    """415 says what is taken; a missing type is no better, as JSON in disguise is a CSRF hole."""
    post = await a_post(api.author, slug="post")
    before = await api.events()
    created = await api.author.send("POST", "/posts", DRAFT, content_type=content_type)
    patched = await api.author.send(
        "PATCH", post.path, b"{}", content_type=content_type, headers={"If-Match": "*"}
    )
    scheduled = await api.author.send(
        "POST", f"{post.path}/schedule", b"{}", content_type=content_type
    )

    for answer, name, accepts in (
        (created, "accept-post", "application/json, application/x-www-form-urlencoded"),
        (patched, "accept-patch", "application/merge-patch+json, application/json"),
        (scheduled, "accept-post", "application/json"),
    ):
        refused = problem(answer, 415, "unsupported_media_type")
        assert fields(answer)[name] == accepts == ", ".join(refused["accepts"])
    assert await api.events() == before


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON;charset=UTF-8",
        'application/json ; charset="utf-8"',
        "application/json; profile=x",
    ],
)
async def test_spellings_of_the_right_type_are_taken(api: Api, content_type: str) -> None:
    """Case, spaces, UTF-8 and unknown parameters make no difference (RFC 9110, 8.3.1)."""
    answer = await api.author.send("POST", "/posts", DRAFT, content_type=content_type)

    assert answer.status_code == 201


async def test_two_types_are_none(api: Api) -> None:
    """A Content-Type that comes twice is 415."""
    lines = [("Content-Type", "application/json"), ("Content-Type", "application/json")]

    problem(await api.author.post("/posts", DRAFT, headers=lines), 415, "unsupported_media_type")


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "GZIP", "x", "gzip, gzip"])
async def test_a_coded_body_is_refused(api: Api, coding: str) -> None:
    """415 with Accept-Encoding (RFC 7694)."""
    answer = await api.author.send(
        "POST",
        "/posts",
        DRAFT,
        content_type="application/json",
        headers={"Content-Encoding": coding},
    )

    problem(answer, 415, "unsupported_coding")
    assert fields(answer)["accept-encoding"] == "identity"


@pytest.mark.parametrize("coding", ["identity", "", "Identity"])
async def test_no_coding_is_fine(api: Api, coding: str) -> None:
    """`identity` is none."""
    answer = await api.author.send(
        "POST",
        "/posts",
        DRAFT,
        content_type="application/json",
        headers={"Content-Encoding": coding},
    )

    assert answer.status_code == 201


def padded(size: int) -> bytes:
    """Make a good body of exactly this size."""
    return DRAFT + b" " * (size - len(DRAFT))


async def _in_pieces(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), 100_000):
        yield body[at : at + 100_000]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_may_be_one_mebibyte(api: Api, *, chunked: bool) -> None:
    """A byte more is 413 with `maxBytes`, whether its length is said or not; nothing is stored."""
    sizes: dict[int, Any] = {}
    for size in (MIB + 1, MIB):
        body: Any = _in_pieces(padded(size)) if chunked else padded(size)
        sizes[size] = await api.author.send("POST", "/posts", body, content_type="application/json")
        if size > MIB:
            refused = problem(sizes[size], 413, "body_too_large")
            assert refused["maxBytes"] == MIB
            assert (await api.author.get("/posts?status=draft")).json()["items"] == []

    assert sizes[MIB].status_code == 201


async def test_a_length_that_tells_is_refused_before_the_body(api: Api) -> None:
    """413 comes before a byte of it was sent."""
    head = (
        f"POST /posts HTTP/1.1\r\nHost: {api.host}\r\n"
        f"Authorization: Bearer {api.author.token()}\r\n"
        "Content-Type: application/json\r\nContent-Length: 99999999999999999999\r\n\r\n"
    )
    small = head.replace("99999999999999999999", str(MIB + 1))
    async with api.raw() as connection:
        await connection.send(small.encode())
        answer = await connection.answer()
    async with api.raw() as connection:
        await connection.send(head.encode())
        absurd = await connection.answer()

    assert (answer.status, answer.problem()["error"]) == (413, "body_too_large")
    assert absurd.status in {400, 413}


async def test_chunks_without_end_are_refused_on_the_way(api: Api) -> None:
    """413 comes mid-stream, as soon as there is too much, and the connection ends."""
    head = (
        f"POST /posts HTTP/1.1\r\nHost: {api.host}\r\n"
        f"Authorization: Bearer {api.author.token()}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    async with api.raw() as connection:
        await connection.send(head.encode())
        for _ in range(17):
            await connection.send(chunk)
        answer = await connection.answer()

    assert (answer.status, answer.problem()["error"]) == (413, "body_too_large")
    assert (await api.author.get("/posts?status=draft")).json()["items"] == []


async def test_a_body_that_is_not_read_does_no_harm(api: Api) -> None:
    """After a refusal that came before the body the same connection serves the next request."""
    for _ in range(5):
        refused = await api.anonymous.send(
            "POST", "/posts", b"x" * 50_000, content_type="application/json"
        )
        problem(refused, 401, "unauthenticated")
        assert (await api.anonymous.get("/posts")).status_code == 200
