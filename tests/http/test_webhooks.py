"""Specifies webhooks over HTTP: registering, changing, secrets, and what operators see."""

from typing import Any
from uuid import UUID

import pytest

from tests.support.http import if_match, problem, tag_of
from tests.support.product import NOBODY, Api, running_api

JSON = dict[str, Any]
NEW: JSON = {"url": "https://hooks.example/in", "eventTypes": ["post.published"]}
SHOWN: JSON = {
    **NEW,
    "status": "active",
    "disabledBecause": None,
    "previousSecretUntil": None,
    "createdAt": "2026-03-01T09:00:00.123456Z",
    "updatedAt": "2026-03-01T09:00:00.123456Z",
    "version": 1,
}


async def a_webhook(api: Api, **members: Any) -> str:  # noqa: ANN401 - of a JSON body
    """Register one, and give its path."""
    answer = await api.operator.post("/webhooks", {**NEW, **members})
    assert answer.status_code == 201, answer.text
    path: str = answer.headers["location"]
    return path


async def test_a_webhook_is_registered_read_changed_and_removed(api: Api) -> None:
    """With tags, as everything that changes; the secret is shown at the beginning alone."""
    made = await api.operator.post("/webhooks", NEW)
    path = made.headers["location"]
    read = await api.operator.get(path)
    unnamed = await api.operator.patch(path, {"eventTypes": []})
    changed = await api.operator.patch(path, {"eventTypes": []}, headers=if_match(tag_of(read)))
    same = await api.operator.patch(path, {"eventTypes": []}, headers=if_match(tag_of(changed)))
    stale = await api.operator.patch(path, {"eventTypes": []}, headers=if_match(tag_of(read)))
    kept = await api.operator.send("DELETE", path, headers=if_match(tag_of(read)))
    removed = await api.operator.delete(path)

    body = made.json()
    secret = body.pop("secret")
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    assert secret.startswith("whsec_")
    assert body == read.json() == {"id": path.rpartition("/")[2], **SHOWN}
    assert tag_of(made) == tag_of(read) == '"1.1"'
    problem(unnamed, 428, "precondition_required")
    assert (changed.status_code, changed.json()["eventTypes"], tag_of(changed)) == (
        200,
        [],
        '"1.2"',
    )
    assert (same.status_code, tag_of(same)) == (200, '"1.2"')
    problem(stale, 412, "stale_version")
    problem(kept, 412, "stale_version")
    assert removed.status_code == 204
    problem(await api.operator.get(path), 404, "webhook_not_found")
    problem(await api.operator.delete(path), 404, "webhook_not_found")
    assert (await api.operator.get("/webhooks")).json() == {"items": [], "nextCursor": None}


async def test_the_secret_is_nowhere_else(api: Api) -> None:
    """Neither in the log that auditors read nor in any other answer."""
    made = await api.operator.post("/webhooks", NEW)
    path, secret = made.headers["location"], made.json()["secret"]
    events = await api.auditor.get(f"/streams/webhook/{path.rpartition('/')[2]}")
    listed = await api.operator.get("/webhooks")

    assert secret.removeprefix("whsec_") not in events.text + listed.text
    assert "webhook.registered.v1" in events.text


async def test_registering_can_be_repeated(api: Api) -> None:
    """With a key it is registered once; a repeat does not show the secret, which nobody keeps."""
    key = {"Idempotency-Key": "a-key"}
    first = await api.operator.post("/webhooks", NEW, headers=key)
    second = await api.operator.post("/webhooks", NEW, headers=key)
    other = await api.operator.post("/webhooks", {**NEW, "eventTypes": []}, headers=key)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.headers["location"] == second.headers["location"]
    assert {**second.json(), "secret": first.json()["secret"]} == first.json()
    assert "secret" not in second.json()
    problem(other, 422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"url": "http://hooks.example/in"}, "address_not_allowed"),
        ({"url": "https://other.example/in"}, "address_not_allowed"),
        ({"url": "https://127.0.0.1/in"}, "address_not_allowed"),
        ({"url": "https://hooks.example:9443/in"}, "address_not_allowed"),
        ({"url": "https://hooks.example@127.0.0.1/in"}, "address_not_allowed"),
        ({"eventTypes": ["post.published.v1"]}, "event_type_unknown"),
        ({"eventTypes": ["post.*"]}, "event_type_unknown"),
    ],
)
async def test_what_cannot_be_registered(api: Api, members: JSON, error: str) -> None:
    """Neither at first nor by an edit."""
    path = await a_webhook(api)
    edited = await api.operator.patch(path, members, headers=if_match('"1.1"'))

    problem(await api.operator.post("/webhooks", {**NEW, **members}), 422, error)
    problem(edited, 422, error)


async def test_members_cannot_be_taken_away(api: Api) -> None:
    """Null removes nothing."""
    path = await a_webhook(api)
    for name in ("url", "eventTypes"):
        answer = await api.operator.patch(path, {name: None}, headers=if_match('"1.1"'))

        assert problem(answer, 422, "member_required")["member"] == name


async def test_event_types_are_kept_in_one_spelling(api: Api) -> None:
    """Sorted, and each once; a port that is not that of https is part of the address."""
    path = await a_webhook(
        api,
        url="HTTPS://hooks.EXAMPLE:8443",
        eventTypes=["post.published", "post.created", "post.published"],
    )
    shown = (await api.operator.get(path)).json()

    assert shown["url"] == "https://hooks.example:8443/"
    assert shown["eventTypes"] == ["post.created", "post.published"]


async def test_pausing_and_resuming(api: Api) -> None:
    """Each once; a disabled or removed webhook cannot be paused."""
    path = await a_webhook(api)
    paused = await api.operator.post(f"{path}/pause")
    again = await api.operator.post(f"{path}/pause")
    tested = await api.operator.post(f"{path}/test")
    stale = await api.operator.post(f"{path}/resume", headers=if_match('"1.1"'))
    resumed = await api.operator.post(f"{path}/resume", headers=if_match(tag_of(paused)))

    assert (paused.json()["status"], paused.json()["version"]) == ("paused", 2)
    assert tag_of(again) == tag_of(paused)
    problem(tested, 409, "webhook_not_active")
    problem(stale, 412, "stale_version")
    assert (resumed.json()["status"], resumed.json()["version"]) == ("active", 3)


async def test_rotating_the_secret(api: Api) -> None:
    """The new one is shown once, and the old one signs beside it for a while."""
    made = await api.operator.post("/webhooks", NEW)
    path = made.headers["location"]
    rotated = await api.operator.post(f"{path}/secret", {"graceSeconds": 60})
    refused = await api.operator.post(f"{path}/secret", {"graceSeconds": 3600 * 24 * 8})
    shown = await api.operator.get(path)

    assert rotated.status_code == 200
    assert rotated.headers["cache-control"] == "no-store"
    assert rotated.json()["secret"] != made.json()["secret"]
    assert rotated.json()["previousUntil"] == "2026-03-01T09:01:00.123456Z"
    assert shown.json()["previousSecretUntil"] == "2026-03-01T09:01:00.123456Z"
    problem(refused, 400, "invalid_body")


async def test_sending_everything_again(api: Api) -> None:
    """From any position that the log has; it is an event, as operators answer for it."""
    path = await a_webhook(api)
    head = (await api.operator.get(f"{path}/progress")).json()["head"]
    back = await api.operator.post(f"{path}/replay", {"after": 0})
    ahead = await api.operator.post(f"{path}/replay", {"after": head + 100})
    progress = await api.operator.get(f"{path}/progress")

    assert back.status_code == 200
    assert back.json()["version"] == 2
    problem(ahead, 422, "position_not_reached")
    assert progress.json() == {
        "position": 0,
        "head": head + 1,
        "failingSince": None,
        "heldUntil": None,
    }


async def test_a_test_is_queued(api: Api) -> None:
    """It answers with where the delivery can be looked at, and is sent by a worker."""
    path = await a_webhook(api)
    asked = await api.operator.post(f"{path}/test")
    delivery = await api.operator.get(asked.headers["location"])
    listed = await api.operator.get(f"{path}/deliveries")
    replayed = await api.operator.post(f"{asked.headers['location']}/replay")

    assert asked.status_code == 202
    assert asked.json() == delivery.json() == listed.json()["items"][0]
    assert delivery.json()["type"] == "webhook.test"
    assert delivery.json()["state"] == "waiting"
    assert delivery.json()["position"] is None
    problem(replayed, 409, "delivery_not_replayable")


async def test_deliveries_are_listed_in_pages(api: Api) -> None:
    """The newest first, by state where that is asked for; those of others are not among them."""
    path, other = await a_webhook(api), await a_webhook(api)
    await _deliveries(api, path, delivered=3, dead=2)
    await _deliveries(api, other, delivered=1, dead=0)
    everything = await api.operator.get(f"{path}/deliveries")
    first = await api.operator.get(f"{path}/deliveries?limit=3")
    second = await api.operator.get(
        f"{path}/deliveries?limit=3&cursor={first.json()['nextCursor']}"
    )
    dead = await api.operator.get(f"{path}/deliveries?state=dead")
    kept = await api.operator.get(
        f"{path}/deliveries", headers={"If-None-Match": tag_of(everything)}
    )

    items = everything.json()["items"]
    assert [each["position"] for each in items] == [5, 4, 3, 2, 1]
    assert first.json()["items"] + second.json()["items"] == items
    assert second.json()["nextCursor"] is None
    assert [each["position"] for each in dead.json()["items"]] == [5, 4]
    assert kept.status_code == 304
    problem(await api.operator.get(f"{path}/deliveries?state=lost"), 400, "bad_parameter")


async def test_a_dead_letter_is_replayed(api: Api) -> None:
    """It waits again, from its first attempt on; replayed while it waits it is refused."""
    path = await a_webhook(api)
    await _deliveries(api, path, delivered=0, dead=1)
    (dead,) = (await api.operator.get(f"{path}/deliveries")).json()["items"]
    replayed = await api.operator.post(f"{path}/deliveries/{dead['id']}/replay")
    waiting = await api.operator.get(f"{path}/deliveries/{dead['id']}")
    again = await api.operator.post(f"{path}/deliveries/{dead['id']}/replay")
    unknown = await api.operator.post(f"{path}/deliveries/{NOBODY}/replay")

    assert replayed.status_code == 200
    assert (waiting.json()["state"], waiting.json()["attempts"]) == ("waiting", 0)
    problem(again, 409, "delivery_not_replayable")
    problem(unknown, 404, "delivery_not_found")
    problem(await api.operator.get(f"{path}/deliveries/{NOBODY}"), 404, "delivery_not_found")


async def test_where_no_host_is_allowed_webhooks_are_off(database_url: str) -> None:
    """Registering says so, and by which setting it is changed."""
    async with running_api(database_url, variables={"WEBHOOK_ALLOWED_HOSTS": ""}) as api:
        refused = await api.operator.post("/webhooks", NEW)
        listed = await api.operator.get("/webhooks")

    assert (
        "LEDGERPRESS_WEBHOOK_ALLOWED_HOSTS" in problem(refused, 409, "webhooks_off")["collidesWith"]
    )
    assert listed.json()["items"] == []


async def _deliveries(api: Api, path: str, *, delivered: int, dead: int) -> None:
    """Make deliveries, of the positions from 1 on; those delivered come first."""
    webhook_id = UUID(path.rpartition("/")[2])
    for position in range(1, delivered + dead + 1):
        await api.product.database.fetch(
            "insert into webhook_deliveries (id, webhook_id, position, event_id, type, state,"
            " attempts, last_at) values ($1, $2, $3, $1, 'post.published.v1', $4, 1, now())",
            api.product.ledger.new_id(),
            webhook_id,
            position,
            "delivered" if position <= delivered else "dead",
        )
