"""Specifies conditions on requests (RFC 9110, section 13; HTTP contract, ETags and conditions)."""

from datetime import timedelta
from typing import Any

import pytest

from api.times import http_date
from tests.support.http import fields, if_match, problem, tag_of
from tests.support.posts import Post, a_post, a_published_post
from tests.support.product import START, Api

THEN = http_date(START)
BEFORE, AFTER = http_date(START - timedelta(seconds=1)), http_date(START + timedelta(seconds=1))
PAGE = "public, max-age=60, stale-while-revalidate=300"

MATCHING = [
    '"1.1"',
    '"1.0", "1.1"',
    '"a,b" , ,"1.1"',
    'W/"1.1", "1.1"',
    "*",
]
NOT_MATCHING = ['"1.2"', '"1.10"', '"2.1"', 'W/"1.1"', '"0.9", W/"1.1"', '""', ","]
MALFORMED = [
    "1.1",
    '"1.1 "',
    '"1.1',
    '1.1"',
    '"1.1" "1.2"',
    '*, "1.1"',
    "w/1.1",
    'w/"1.1"',
    'W/ "1.1"',
    "**",
]


@pytest.mark.parametrize("value", MATCHING)
async def test_if_match_lets_the_current_version_through(api: Api, value: str) -> None:
    """One tag, a list and `*`."""
    post = await a_post(api.author)
    answer = await api.author.patch(post.path, {"title": "New"}, headers=if_match(value))

    assert (answer.status_code, tag_of(answer)) == (200, '"1.2"')


@pytest.mark.parametrize("value", NOT_MATCHING)
async def test_if_match_holds_back_any_other(api: Api, value: str) -> None:
    """412 names the current tag and where to see what happened; weak tags never match."""
    post = await a_post(api.author)
    before = await api.events()
    answer = await api.author.patch(post.path, {"title": "New"}, headers=if_match(value))
    refused = problem(answer, 412, "stale_version")

    assert refused["currentTag"] == tag_of(answer) == '"1.1"'
    assert answer.headers["link"].startswith(f"</posts/{post.id}/versions")
    assert answer.headers["link"].endswith('; rel="version-history"')
    assert await api.events() == before


@pytest.mark.parametrize("name", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("value", MALFORMED)
async def test_a_malformed_list_of_tags_is_an_error(api: Api, name: str, value: str) -> None:
    """400 names the field: to guess at a condition is to lose an update."""
    post = await a_post(api.author)
    for method, body in (("PATCH", {"title": "New"}), ("DELETE", None), ("GET", None)):
        answer = await api.author.send(method, post.path, body, headers={name: value})
        assert problem(answer, 400, "malformed_header")["member"] == name


async def test_several_fields_are_one_list(api: Api) -> None:
    """If-Match may come in several lines (section 5.3)."""
    post = await a_post(api.author)
    lines = [("If-Match", '"1.0"'), ("If-Match", '"1.1"')]
    answer = await api.author.patch(post.path, {"title": "New"}, headers=lines)

    assert answer.status_code == 200


async def test_the_link_leads_to_what_the_client_has_not_seen(api: Api) -> None:
    """After 412 the Link shows exactly the events since the client's version."""
    post = await a_post(api.author)
    await (await post.edit(title="Second")).edit(title="Third")
    stale = await api.author.patch(post.path, {"title": "Mine"}, headers=if_match('"1.1"'))
    address = stale.headers["link"].partition(">")[0].removeprefix("<")
    missed = (await api.author.get(address)).json()["items"]

    assert [event["version"] for event in missed] == [2, 3]


ACTIONS: list[Any] = [
    pytest.param("DELETE", "", None, 204, id="delete"),
    pytest.param("POST", "/publish", None, 200, id="publish"),
    pytest.param("POST", "/unpublish", None, 200, id="unpublish"),
    pytest.param("POST", "/archive", None, 200, id="archive"),
    pytest.param("POST", "/schedule", {"publishAt": "2026-03-02T00:00:00Z"}, 200, id="schedule"),
    pytest.param("POST", "/restore", None, 200, id="restore"),
]


@pytest.mark.parametrize(("method", "below", "body", "status"), ACTIONS)
async def test_the_life_cycle_honours_if_match_and_does_without(
    api: Api, method: str, below: str, body: dict[str, Any] | None, status: int
) -> None:
    """A stale tag is 412 and appends nothing; the current one or none goes on."""
    for headers in (if_match('"1.1"'), {}):
        post = await a_post(api.author, title="東京")
        before = await api.events()
        stale = await api.author.send(method, post.path + below, body, headers=if_match('"1.9"'))
        problem(stale, 412, "stale_version")
        assert await api.events() == before
        answer = await api.author.send(method, post.path + below, body, headers=headers)
        assert answer.status_code == status


DATES: list[Any] = [
    (BEFORE, 412),
    (THEN, 200),
    (AFTER, 200),
    ("Sunday, 01-Mar-26 08:59:59 GMT", 412),
    ("Sun Mar  1 08:59:59 2026", 412),
    ("Sun, 01 Mar 2026 08:59:59 +0000", 200),
    ("2026-03-01T08:59:59Z", 200),
    ("yesterday", 200),
    ("Sun, 31 Feb 2026 08:59:59 GMT", 200),
    ("", 200),
]


@pytest.mark.parametrize(("date", "status"), DATES)
async def test_if_unmodified_since_holds_back_what_is_older(
    api: Api, date: str, status: int
) -> None:
    """Any of the three forms of a date counts, in whole seconds; others are ignored (13.1.4)."""
    post = await a_post(api.author)
    answer = await api.author.post(f"{post.path}/publish", headers={"If-Unmodified-Since": date})

    assert answer.status_code == status


@pytest.mark.parametrize("value", ['"1.1"', 'W/"1.1"', '"9", "1.1"', "*"])
async def test_if_none_match_holds_back_unsafe_requests(api: Api, value: str) -> None:
    """A match on anything but GET and HEAD is 412 (13.1.2), and compares weakly."""
    post = await a_post(api.author)
    before = await api.events()
    refused = await api.author.post(f"{post.path}/publish", headers={"If-None-Match": value})
    patched = await api.author.patch(
        post.path, {"title": "New"}, headers={"If-None-Match": value, "If-Match": "*"}
    )

    problem(refused, 412, "stale_version")
    problem(patched, 412, "stale_version")
    assert await api.events() == before
    other = await api.author.post(f"{post.path}/publish", headers={"If-None-Match": '"1.9"'})
    assert other.status_code == 200


@pytest.mark.parametrize("value", ['"1.2"', 'W/"1.2"', '"1.1", W/"1.2"', "*", ', , "x",  "1.2"'])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("at", ["path", "slug"])
async def test_a_known_version_is_not_sent_again(
    api: Api, value: str, method: str, at: str
) -> None:
    """304 has the ETag, Cache-Control and Vary that 200 would have, a Date, and no body."""
    post = await a_published_post(api.author)
    path = post.path if at == "path" else f"/posts/slug/{post.slug}"
    whole = await api.anonymous.send(method, path)
    answer = await api.anonymous.send(method, path, headers={"If-None-Match": value})

    assert (whole.status_code, answer.status_code, answer.content) == (200, 304, b"")
    assert fields(answer) == {"etag": '"1.2"', "cache-control": PAGE, "vary": "Accept"}
    assert fields(whole).items() >= fields(answer).items()


@pytest.mark.parametrize("value", ['"1.1"', '"1.20"', 'W/"1.1", "2.2"', ""])
async def test_another_version_is_sent(api: Api, value: str) -> None:
    """What the client has is not what there is."""
    post = await a_published_post(api.author)
    answer = await api.anonymous.get(post.path, headers={"If-None-Match": value})

    assert (answer.status_code, answer.json()) == (200, post.body)


@pytest.mark.parametrize(
    ("date", "status"),
    [(AFTER, 304), (THEN, 304), (BEFORE, 200), ("no date", 200), ("Sun, 01 Mar 2026", 200)],
)
async def test_if_modified_since_is_for_reads(api: Api, date: str, status: int) -> None:
    """It makes 304 of GET and HEAD, is ignored where malformed, and on any other method."""
    post = await a_published_post(api.author)
    headers = {"If-Modified-Since": date}
    got = await api.anonymous.get(post.path, headers=headers)
    head = await api.anonymous.head(post.path, headers=headers)
    posted = await api.author.post(f"{post.path}/archive", headers=headers)

    assert (got.status_code, head.status_code, posted.status_code) == (status, status, 200)


async def test_a_read_may_ask_for_one_version_alone(api: Api) -> None:
    """If-Match on GET is 412 where the version has changed (13.1.1)."""
    post = await a_published_post(api.author)
    current = await api.anonymous.get(post.path, headers=if_match(post.tag))
    stale = await api.anonymous.get(post.path, headers=if_match('"1.1"'))
    weak = await api.anonymous.get(post.path, headers=if_match(f"W/{post.tag}"))

    assert current.status_code == 200
    problem(stale, 412, "stale_version")
    problem(weak, 412, "stale_version")


# Each field is absent (-), true (T) or false (F) of the current version, as sections 13.1.1 to
# 13.1.4 define; the answers are those of 13.2.2 to GET and to an unsafe request.
PRECEDENCE = """
If-Match  If-Unmodified-Since  If-None-Match  If-Modified-Since  GET  POST
   -              -                  -                -          200  200
   T              -                  -                -          200  200
   F              -                  -                -          412  412
   T              F                  -                -          200  200
   F              T                  -                -          412  412
   -              T                  -                -          200  200
   -              F                  -                -          412  412
   -              -                  T                -          200  200
   -              -                  F                -          304  412
   -              -                  F                T          304  412
   -              -                  T                F          200  200
   -              -                  -                T          200  200
   -              -                  -                F          304  200
   T              -                  F                -          304  412
   T              -                  T                F          200  200
   F              -                  F                F          412  412
   T              F                  F                T          304  412
   T              F                  T                F          200  200
   T              T                  -                F          304  200
   -              T                  F                -          304  412
   -              F                  F                -          412  412
   -              F                  T                T          412  412
   -              T                  -                F          304  200
   -              T                  T                T          200  200
"""
VALUES = {
    "If-Match": {"T": '"1.1"', "F": '"1.9"'},
    "If-Unmodified-Since": {"T": THEN, "F": BEFORE},
    "If-None-Match": {"T": '"1.9"', "F": '"1.1"'},
    "If-Modified-Since": {"T": BEFORE, "F": THEN},
}


def _headers(cells: list[str]) -> dict[str, str]:
    return {
        name: values[cell]
        for (name, values), cell in zip(VALUES.items(), cells, strict=True)
        if cell != "-"
    }


@pytest.mark.parametrize("row", PRECEDENCE.strip().splitlines()[1:])
async def test_conditions_are_judged_in_their_order(api: Api, row: str) -> None:
    """If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since (13.2.2)."""
    *cells, get, post = row.split()
    draft: Post = await a_post(api.author)
    read = await api.author.get(draft.path, headers=_headers(cells))
    acted = await api.author.post(f"{draft.path}/publish", headers=_headers(cells))

    assert (read.status_code, acted.status_code) == (int(get), int(post))
