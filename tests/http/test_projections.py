"""Specifies what operators learn of projections: state, lag, warnings, metrics."""

import re
from typing import Any

import msgspec
import pytest

from projections.registry import PROJECTIONS
from projections.relaying import RELAY
from projections.status import ProjectionStatus, State
from tests.support.http import fields, problem
from tests.support.posts import a_published_post
from tests.support.product import Api
from tests.support.projecting import caught_up, projecting

HALTED = {"position": 1, "type": "post.edited.v1", "stream": "post/1", "reason": "A bug."}


async def one(api: Api, name: str) -> dict[str, Any]:
    """Ask for one projection."""
    answer = await api.operator.get(f"/projections/{name}")
    assert answer.status_code == 200, answer.text
    members: dict[str, Any] = answer.json()
    return members


async def warnings(api: Api) -> list[str]:
    """Ask whether the process is ready, which it is, and what there is to see to."""
    answer = await api.anonymous.get("/readyz")
    assert answer.status_code == 200
    found: list[str] = answer.json()["warnings"]
    return found


async def metric(api: Api, name: str, **labels: str) -> float:
    """Read one figure off the metrics."""
    text = (await api.anonymous.get("/metrics")).text
    wanted = ",".join(f'{label}="{value}"' for label, value in labels.items())
    (found,) = re.findall(rf"^{name}\{{{re.escape(wanted)}\}} (\S+)$", text, re.MULTILINE)
    return float(found)


async def halt(api: Api, **members: object) -> None:
    """Let the search stand still, as its projector would."""
    await api.product.database.fetch(
        "update projections set halted = $1::text::jsonb, heartbeat_at = clock_timestamp()"
        " where name = 'search'",
        msgspec.json.encode(HALTED | members).decode(),
    )


async def test_every_projection_is_listed(api: Api) -> None:
    """By name and with the relay, each as it is by itself, and never from a cache."""
    names = sorted([*PROJECTIONS, RELAY.name])
    async with projecting(api.product):
        await caught_up(api.product)
        answer = await api.operator.get("/projections")
        each = [await one(api, name) for name in names]

    items = answer.json()["items"]
    assert [item["name"] for item in items] == names
    assert {item["state"] for item in items if item["name"] != RELAY.name} == {"current"}
    ages = {"seenSecondsAgo": None, "lagSeconds": None}
    assert [item | ages for item in items] == [item | ages for item in each]
    assert fields(answer) == {
        "content-type": "application/json",
        "cache-control": "no-store",
        "vary": "Accept, Authorization",
    }


async def test_inline_ones_are_never_behind(api: Api) -> None:
    """They are written with the events."""
    await a_published_post(api.author)
    found = await one(api, "posts")

    assert found["inline"]
    assert (found["state"], found["lagEvents"], found["lagSeconds"]) == ("current", 0, 0.0)
    assert found["position"] == found["head"] == await api.events()
    assert found["seenSecondsAgo"] is None


async def test_without_a_projector_the_lag_grows(api: Api) -> None:
    """A dead projector does not show as one that is up to date."""
    async with projecting(api.product):
        await caught_up(api.product)
    at = await one(api, "search")
    await a_published_post(api.author)
    later = await one(api, "search")

    assert at["lagEvents"] == 0
    assert later["lagEvents"] == 2
    assert later["lagSeconds"] > 0
    assert await metric(api, "ledgerpress_projection_lag_events", projection="search") == 2
    assert await metric(api, "ledgerpress_projection_lag_seconds", projection="search") > 0


async def test_a_projector_that_is_silent_for_seconds_is_told_of(api: Api) -> None:
    """Also where it has nothing to do."""
    async with projecting(api.product):
        await caught_up(api.product)
        assert not [text for text in await warnings(api) if RELAY.name not in text]
    await api.product.database.fetch(
        "update projections set heartbeat_at = heartbeat_at - interval '4 seconds'"
        " where name = 'search'"
    )

    assert (await one(api, "search"))["state"] == "stopped"
    assert "projection search is stopped: 0 events behind" in await warnings(api)
    labels = {"projection": "search", "state": "stopped"}
    assert await metric(api, "ledgerpress_projection_state", **labels) == 1
    labels = {"projection": "search", "state": "current"}
    assert await metric(api, "ledgerpress_projection_state", **labels) == 0


async def test_one_that_is_alive_and_gets_nowhere_is_stalled(api: Api) -> None:
    """After some seconds, and not while it works."""
    await a_published_post(api.author)
    set_to = "update projections set heartbeat_at = clock_timestamp(), moved_at = clock_timestamp()"
    await api.product.database.fetch(f"{set_to} where name = 'search'")
    behind = await one(api, "search")
    await api.product.database.fetch(
        f"{set_to} - interval '6 seconds' where name = 'search'",
    )
    stalled = await one(api, "search")

    assert (behind["state"], stalled["state"]) == ("behind", "stalled")
    assert [text for text in await warnings(api) if "search" in text] == [
        f"projection search is stalled: {stalled['lagEvents']} events behind"
    ]


async def test_one_that_is_halted_says_where_and_why(api: Api) -> None:
    """In its status; in the metrics and as a warning, which anybody may see, not the reason."""
    head = await api.events()
    await api.product.database.fetch("update projections set position = $1", head)
    await halt(api, position=head + 1)
    await a_published_post(api.author)
    found = await one(api, "search")

    assert found["state"] == "halted"
    assert found["halted"] == HALTED | {"position": head + 1}
    assert f"projection search is halted at position {head + 1}" in await warnings(api)
    labels = {"projection": "search", "state": "halted"}
    assert await metric(api, "ledgerpress_projection_state", **labels) == 1


async def test_what_it_got_past_halts_it_no_more(api: Api) -> None:
    """A rebuild, for one, can take it further than where it stood."""
    await halt(api, position=1)
    await api.product.database.fetch("update projections set position = 2 where name = 'search'")
    found = await one(api, "search")

    assert (found["state"], found["halted"]) != ("halted", None)


async def test_one_past_the_end_of_the_log_is_told_of(api: Api) -> None:
    """Its lag is none, and yet it is not well."""
    head = await api.events()
    await api.product.database.fetch(
        "update projections set position = $1, heartbeat_at = clock_timestamp()"
        " where name = 'search'",
        head + 5,
    )
    found = await one(api, "search")

    assert (found["state"], found["lagEvents"]) == ("ahead", 0)
    text = f"projection search is ahead of the log: position {head + 5}, but the log ends at {head}"
    assert text in await warnings(api)


async def test_all_else_goes_on_without_a_projector(api: Api) -> None:
    """Posts are read as they are, and the process stays ready."""
    post = await a_published_post(api.author)

    assert (await api.anonymous.get(post.path)).status_code == 200
    assert (await api.anonymous.get("/readyz")).json()["status"] == "ok"


@pytest.mark.parametrize("name", ["nothing", "search%27--", "%F0%9F%98%80", "a" * 500])
async def test_another_name_is_not_found(api: Api, name: str) -> None:
    """Whatever is in it."""
    answer = await api.operator.get(f"/projections/{name}")

    problem(answer, 404, "projection_not_found")


async def test_no_parameters_are_taken(api: Api) -> None:
    """400 for any."""
    problem(await api.operator.get("/projections?x=1"), 400, "bad_parameter")
    problem(await api.operator.get("/projections/search?x=1"), 400, "bad_parameter")
    problem(
        await api.operator.get("/projections", headers={"Accept": "text/html"}),
        406,
        "not_acceptable",
    )


def test_a_state_is_well_or_warned_of() -> None:
    """Whatever is not well has a text for operators."""
    at_rest = ProjectionStatus("x", False, State.CURRENT, 1, 1, 0, 0.0, 1, 1, None, 0.0)  # noqa: FBT003
    texts = {state: msgspec.structs.replace(at_rest, state=state).warning for state in State}

    assert {state for state, text in texts.items() if text is None} == {
        State.CURRENT,
        State.BEHIND,
    }
