"""Specifies the bodies of requests about posts."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from api.patterns import IN_WORDS, SLUG
from api.post_requests import (
    CreatePost,
    PatchPost,
    PlaceLegalHold,
    RevertPost,
    SchedulePost,
    refuse_removal,
)
from api.strict_json import decode
from commands.outcomes import Malformed
from domain.post import Category
from domain.refusal import RejectedByValue

POST = {"title": "Hello", "content": "World", "category": "tech"}
MOMENT = datetime(2026, 11, 23, 3, 9, 49, tzinfo=UTC)


def read(type_: type[Any], body: object) -> Any:  # noqa: ANN401 - any of the requests
    """Read a body that is given as a value."""
    return decode(msgspec.json.encode(body), type_)


def member_at_fault(type_: type[Any], body: object) -> str | None:
    """Give the member for which a body is refused, as it must be."""
    refused = read(type_, body)
    assert isinstance(refused, Malformed)
    assert refused.error == "invalid_body"
    return refused.member


def test_a_post_is_read() -> None:
    """Slug and time are optional, and null counts as absent."""
    post = read(CreatePost, POST)

    assert post == CreatePost("Hello", "World", Category.TECH)
    assert read(CreatePost, POST | {"slug": None, "publishAt": None}) == post
    assert read(CreatePost, POST | {"slug": "a-1"}).slug == "a-1"


@pytest.mark.parametrize("missing", ["title", "content", "category"])
def test_a_post_needs_its_members(missing: str) -> None:
    """Neither absence nor null will do."""
    assert member_at_fault(CreatePost, POST | {missing: None}) == missing
    assert member_at_fault(CreatePost, {k: v for k, v in POST.items() if k != missing}) == missing


@pytest.mark.parametrize(
    ("member", "good", "bad"),
    [
        ("title", ["x", "é" * 200, "\n"], ["", "é" * 201, 1, ["x"]]),
        ("content", ["x", "\U0001f600" * 200_000], ["", "x" * 200_001, {}]),
        ("category", ["tech", "business", "security"], ["", "Tech", "sport", 0]),
        (
            "slug",
            ["a", "0-a-0", "a" * 80],
            ["", "a" * 81, "A", "-a", "a-", "a--b", "a b", "é", "a\n", "a/b", "..", 1],
        ),
        (
            "publishAt",
            ["2026-11-23T03:09:49Z", "2026-11-23T03:09:49.123456+14:00"],
            [
                "",
                "2026-11-23",
                "2026-11-23T03:09:49",
                "2026-13-23T03:09:49Z",
                "tomorrow",
                0,
                1.5,
                "2016-12-31T23:59:60Z",
                "0001-01-01T00:00:00+00:01",
                "9999-12-31T23:59:59-00:01",
            ],
        ),
    ],
)
def test_members_have_limits(member: str, good: list[object], bad: list[object]) -> None:
    """Creating and patching take and refuse the same values, and name the member."""
    for value in good:
        assert isinstance(read(CreatePost, POST | {member: value}), CreatePost)
        assert isinstance(read(PatchPost, {member: value}), PatchPost)
    for value in bad:
        assert member_at_fault(CreatePost, POST | {member: value}) == member
        assert member_at_fault(PatchPost, {member: value}) == member


@pytest.mark.parametrize("member", ["id", "status", "version", "coverImage", "publish_at", "Title"])
def test_other_members_are_unknown(member: str) -> None:
    """What cannot be written is refused instead of ignored."""
    assert member_at_fault(CreatePost, POST | {member: "x"}) == member
    assert member_at_fault(PatchPost, {member: "x"}) == member


def test_times_become_utc() -> None:
    """Whatever the offset, the commands get UTC."""
    text = "2026-11-23T05:09:49+02:00"
    times = [
        read(CreatePost, POST | {"publishAt": text}).publish_at,
        read(PatchPost, {"publishAt": text}).publish_at,
        read(SchedulePost, {"publishAt": text}).publish_at,
    ]

    assert times == [MOMENT] * 3
    assert all(at.tzinfo is UTC for at in times)


def test_a_patch_tells_absent_from_null() -> None:
    """What is absent stays and null removes (RFC 7396)."""
    assert read(PatchPost, {}) == PatchPost()
    assert read(PatchPost, {}).publish_at is msgspec.UNSET
    assert read(PatchPost, {"publishAt": None}).publish_at is None
    assert member_at_fault(PatchPost, []) is None


@pytest.mark.parametrize("member", ["title", "content", "category", "slug"])
def test_removing_what_every_post_has_is_refused_by_value(member: str) -> None:
    """Null for such a member is well formed, and names the member."""
    refused = refuse_removal(read(PatchPost, {"publishAt": None, member: None}))

    assert isinstance(refused, RejectedByValue)
    assert (refused.error, refused.member) == ("member_required", member)


def test_other_patches_remove_nothing_that_is_needed() -> None:
    """Setting members and removing the time to publish are allowed."""
    assert refuse_removal(read(PatchPost, POST | {"publishAt": None})) is None
    assert refuse_removal(PatchPost()) is None


def test_scheduling_needs_a_time() -> None:
    """There is nothing to schedule without it."""
    assert member_at_fault(SchedulePost, {}) == "publishAt"
    assert member_at_fault(SchedulePost, {"publishAt": None}) == "publishAt"


@pytest.mark.parametrize("version", [0, -1, 1.0, "1", None, True, 2**63, 2**70])
def test_reverting_needs_a_version(version: object) -> None:
    """A version is an integer from 1."""
    assert read(RevertPost, {"version": 3}) == RevertPost(3)
    assert member_at_fault(RevertPost, {"version": version}) == "version"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "example.com",
        "ftp://a/",
        "javascript:1",
        "https://",
        "https://a/>; rel=x",
        "https://a b",
        "https://a/\n",
        "https://é/",
        'https://a/"',
        "https://.[L",
        "https://a/[b]",
        "https://a/%zz",
        "https://a:b/",
        "https://a#b#c",
        "https://somebody@a/",
        "https://" + "a" * 2041,
        1,
    ],
)
def test_a_legal_hold_names_a_web_address(address: object) -> None:
    """The address goes into a header field, so it holds nothing that could break out of it."""
    good = {"reason": "Court order", "blockedBy": "https://example.com/legal?id=1#a"}

    assert isinstance(read(PlaceLegalHold, good), PlaceLegalHold)
    assert member_at_fault(PlaceLegalHold, good | {"blockedBy": address}) == "blockedBy"
    assert member_at_fault(PlaceLegalHold, good | {"reason": ""}) == "reason"


def test_the_shapes_can_be_published() -> None:
    """The OpenAPI document says the same limits, and that other members are refused."""
    schema = msgspec.json.schema(CreatePost)["$defs"]["CreatePost"]

    assert schema["properties"]["title"]["maxLength"] == 200
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["title", "content", "category"]


@pytest.mark.parametrize(
    ("type_", "body", "detail"),
    [
        (
            CreatePost,
            b'{"title":"t","content":"c","category":"food"}',
            "category: The value must be one of tech, business, security.",
        ),
        (
            PatchPost,
            b'{"slug":"A b"}',
            f"slug: The text must be {IN_WORDS[SLUG]}.",
        ),
        (
            PlaceLegalHold,
            b'{"reason":"r","blockedBy":"ftp://x"}',
            "blockedBy: The text must be an http or https address of a host with a name.",
        ),
    ],
)
def test_a_refusal_says_in_words_what_is_taken(type_: type, body: bytes, detail: str) -> None:
    """No pattern and no class name is shown to a client."""
    refused = decode(body, type_)

    assert isinstance(refused, Malformed)
    assert refused.detail == detail
