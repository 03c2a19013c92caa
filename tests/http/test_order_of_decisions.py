"""Specifies which of several faults is answered (HTTP contract, Order of decisions)."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import httpx
import msgspec
import pytest

from tests.support.http import Client, problem
from tests.support.posts import HOLD, Post, a_post, a_published_post
from tests.support.product import Api


class Asking(msgspec.Struct):
    """A request in the making; each fault spoils one part of it."""

    client: Client
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def _host(asking: Asking) -> None:
    asking.headers["Host"] = "elsewhere.example"


def _method(asking: Asking) -> None:
    asking.method = "BREW"


def _route(asking: Asking) -> None:
    asking.path = "/nothing/here"


def _lacking(asking: Asking) -> None:
    asking.method = "PUT"


def _token(asking: Asking) -> None:
    asking.headers["Authorization"] = "Bearer nonsense"


def _missing(asking: Asking) -> None:
    asking.path = "/posts/01920000-0000-7000-8000-000000000000"


def _large(asking: Asking) -> None:
    asking.body = b" " * 1_048_577


def _type(asking: Asking) -> None:
    asking.headers["Content-Type"] = "text/plain"


def _accept(asking: Asking) -> None:
    asking.headers["Accept"] = "text/html"


def _malformed(asking: Asking) -> None:
    asking.headers["If-Match"] = "1.1"


def _stale(asking: Asking) -> None:
    asking.headers["If-Match"] = '"1.9"'


def _body(asking: Asking) -> None:
    asking.body = b'{"title": 5}'


def _value(asking: Asking) -> None:
    asking.body = b'{"title": " "}'


# In the order in which they are looked at: of any two, the one above is the answer.
FAULTS: dict[str, Any] = {
    "a foreign host": (_host, 421, "misdirected_request"),
    "an unknown method": (_method, 501, "method_not_implemented"),
    "no such route": (_route, 404, "route_not_found"),
    "a method that the route lacks": (_lacking, 405, "method_not_allowed"),
    "a bad token": (_token, 401, "invalid_token"),
    "no such post": (_missing, 404, "post_not_found"),
    "a body too large": (_large, 413, "body_too_large"),
    "a wrong type": (_type, 415, "unsupported_media_type"),
    "no acceptable form": (_accept, 406, "not_acceptable"),
    "a malformed condition": (_malformed, 400, "malformed_header"),
    "a stale tag": (_stale, 412, "stale_version"),
    "a bad body": (_body, 400, "invalid_body"),
    "a refused value": (_value, 422, "title_blank"),
}


def _pairs() -> Iterator[Any]:
    """Give the pairs that one request can have: two faults may spoil the same part of it."""
    for first, second in combinations(FAULTS, 2):
        asking = Asking(None, "", "", {}, b"")  # type: ignore[arg-type]  # only what is spoilt counts
        FAULTS[first][0](asking)
        before = msgspec.structs.replace(asking, headers=dict(asking.headers))
        FAULTS[second][0](asking)
        if (
            all(
                getattr(before, part) in ("", b"", getattr(asking, part))
                for part in ("method", "path", "body")
            )
            and before.headers.items() <= asking.headers.items()
        ):
            # A method that the server does not know is refused there, before it knows the hosts.
            if (first, second) == ("a foreign host", "an unknown method"):
                continue
            yield pytest.param(first, second, id=f"{first}, {second}")


async def _ask(api: Api, post: Post, *faults: str) -> httpx.Response:
    asking = Asking(
        api.author,
        "PATCH",
        post.path,
        {"If-Match": post.tag, "Content-Type": "application/merge-patch+json"},
        b'{"title": "New"}',
    )
    for fault in faults:
        FAULTS[fault][0](asking)
    return await asking.client.send(asking.method, asking.path, asking.body, headers=asking.headers)


async def test_without_a_fault_the_request_succeeds(api: Api) -> None:
    """What the other tests spoil is sound."""
    answer = await _ask(api, await a_post(api.author))

    assert answer.status_code == 200


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_alone(api: Api, fault: str) -> None:
    """Each fault has its own answer."""
    _, status, error = FAULTS[fault]

    problem(await _ask(api, await a_post(api.author), fault), status, error)


@pytest.mark.parametrize(("first", "second"), list(_pairs()))
async def test_of_two_faults_the_earlier_is_answered(api: Api, first: str, second: str) -> None:
    """A stale tag with a bad body is 412; with 401, 404 or 415 it is the latter; and so on."""
    before = await api.events()
    post = await a_post(api.author)
    _, status, error = FAULTS[first]

    problem(await _ask(api, post, first, second), status, error)
    assert await api.events() == before + 1


async def test_who_may_not_is_told_before_all_that_the_request_says(api: Api) -> None:
    """403 for another's published post and 404 for another's draft go before 415 to 422."""
    published, draft = await a_published_post(api.author), await a_post(api.author, slug="draft")
    for fault in list(FAULTS)[list(FAULTS).index("a body too large") :]:
        asking = Asking(api.second_author, "PATCH", "", {"If-Match": "*"}, b"{}")
        FAULTS[fault][0](asking)
        forbidden, hidden = [
            await asking.client.send("PATCH", post.path, asking.body, headers=asking.headers)
            for post in (published, draft)
        ]
        problem(forbidden, 403, "forbidden")
        problem(hidden, 404, "post_not_found")


async def test_a_missing_condition_comes_after_the_type_and_before_the_body(api: Api) -> None:
    """Without If-Match: 415 for a wrong type, else 428, also where the body is bad."""
    post = await a_post(api.author)
    wrong = await api.author.send("PATCH", post.path, b"{}", content_type="text/plain")
    bad = await api.author.patch(post.path, b"{", headers={"Content-Type": "application/json"})

    problem(wrong, 415, "unsupported_media_type")
    problem(bad, 428, "precondition_required")


async def test_a_value_is_judged_before_the_state(api: Api) -> None:
    """A time that has passed is 422 also for an archived post, a good one is 409."""
    post = await (await a_post(api.author)).do("archive")
    passed = await api.author.post(f"{post.path}/schedule", {"publishAt": "2020-01-01T00:00:00Z"})
    good = await api.author.post(f"{post.path}/schedule", {"publishAt": "2030-01-01T00:00:00Z"})

    problem(passed, 422, "publish_at_in_past")
    problem(good, 409, "transition_not_allowed")


async def test_a_legal_hold_comes_after_the_condition(api: Api) -> None:
    """The hold is a state of the post: a stale tag is 412 first."""
    post = await a_published_post(api.author)
    held = await api.admin.post(f"{post.path}/legal-hold", HOLD)
    stale = await api.author.patch(post.path, {"title": "New"}, headers={"If-Match": '"1.1"'})
    current = await api.author.patch(
        post.path, {"title": "New"}, headers={"If-Match": held.headers["etag"]}
    )

    problem(stale, 412, "stale_version")
    problem(current, 451, "legal_hold")
