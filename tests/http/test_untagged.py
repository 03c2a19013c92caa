"""Specifies preconditions on what has no entity tag, and on lists, which have no time."""

from typing import Any

import pytest

from domain.stream import Role
from tests.support.http import problem
from tests.support.posts import a_published_post
from tests.support.product import NOBODY, Api

FAILING: list[dict[str, str]] = [
    {"If-Match": '"1.1"'},
    {"If-Match": '""'},
    {"If-Match": 'W/"1.1"'},
    {"If-None-Match": "*"},
]
HOLDING: list[dict[str, str]] = [
    {"If-Match": "*"},
    {"If-None-Match": '"1.1"'},
    {"If-Unmodified-Since": "Sun, 01 Mar 2020 00:00:00 GMT"},
    {"If-Match": "*", "If-None-Match": '"1.1"'},
]


async def _session(api: Api, client: Any) -> str:  # noqa: ANN401 - a client of the tests
    alive = await api.product.sessions.store.alive(client.account_id, api.clock.now())
    return f"/me/sessions/{alive[0].id}"


async def _rebuild(api: Api, _: Any) -> str:  # noqa: ANN401 - as above
    asked = await api.operator.post("/projections/search/rebuild")
    return str(asked.headers["location"])


WHAT = pytest.mark.parametrize("what", [_session, _rebuild], ids=["session", "rebuild"])


@WHAT
@pytest.mark.parametrize("condition", FAILING, ids=str)
async def test_no_tag_matches_what_has_none(api: Api, what: Any, condition: Any) -> None:  # noqa: ANN401 - see above
    """412, and nothing ends (RFC 9110, section 13.1.1); the rest is judged first."""
    operator = await api.account("somebody", Role.OPERATOR)
    path = await what(api, operator)
    answer = await operator.send("DELETE", path, headers=condition)
    missing = f"{path.rpartition('/')[0]}/{NOBODY}"

    problem(answer, 412, "condition_failed")
    assert "etag" not in answer.headers
    assert (await operator.get("/me/sessions")).status_code == 200
    assert (await operator.send("DELETE", missing, headers=condition)).status_code == 404
    problem(await api.anonymous.send("DELETE", path, headers=condition), 401, "unauthenticated")


@WHAT
async def test_what_is_no_condition_is_malformed(api: Api, what: Any) -> None:  # noqa: ANN401 - see above
    """400 rather than a guess."""
    path = await what(api, api.operator)

    answer = await api.operator.send("DELETE", path, headers={"If-Match": "1.1"})
    problem(answer, 400, "malformed_header")


@WHAT
@pytest.mark.parametrize("condition", HOLDING, ids=str)
async def test_a_star_matches_whatever_exists(api: Api, what: Any, condition: Any) -> None:  # noqa: ANN401 - see above
    """And dates say nothing of what has none."""
    operator = await api.account("somebody", Role.OPERATOR)
    path = await what(api, operator)

    assert (await operator.send("DELETE", path, headers=condition)).status_code == 204


@pytest.mark.parametrize("query", ["", "?limit=1"])
async def test_a_list_has_no_time(api: Api, query: str) -> None:
    """No date, however old or new, says that a list has changed or has not."""
    await a_published_post(api.author)
    for field in ("If-Unmodified-Since", "If-Modified-Since"):
        for date in ("Sun, 01 Mar 2020 00:00:00 GMT", "Sun, 01 Mar 2099 00:00:00 GMT"):
            answer = await api.anonymous.get(f"/posts{query}", headers={field: date})

            assert answer.status_code == 200
