"""Specifies what webhooks deliver, in which order, how often, and what is kept of it."""

import base64
import time
from asyncio import StreamWriter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from runpy import run_path
from uuid import UUID

import pytest

from domain.stored_event import StoredEvent
from domain.webhook import Pause, Resume
from projections.webhook_deliveries import DeliveryState
from projections.webhook_delivering import Due, Result
from tests.support.receiver import (
    NO_CONTENT,
    Received,
    Receiver,
    answering,
    running_receiver,
    takes_it,
)
from tests.support.waiting import eventually
from tests.support.webhooks import Desk, open_desk

EXAMPLE = run_path(str(Path(__file__).parents[2] / "docs/webhooks/receiver.py"))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Run a receiver."""
    async with running_receiver() as receiver:
        yield receiver


@pytest.fixture
async def desk(database_url: str, receiver: Receiver) -> AsyncIterator[Desk]:
    """Open the product, with the receiver to send to."""
    async with open_desk(database_url, receiver) as desk:
        yield desk


async def test_events_are_delivered_in_order_and_signed(desk: Desk) -> None:
    """Each event after the registration comes once; the example in the documentation takes it."""
    await desk.append()
    webhook = await desk.register()
    positions = await desk.append(3)
    async with desk.delivering():
        await desk.received(*positions)
        later = await desk.append()
        await desk.received(*positions, *later)

    for request in desk.receiver.requests:
        assert EXAMPLE["verified"](request.headers, request.body, webhook.secret, time.time())
        assert not EXAMPLE["verified"](request.headers, request.body + b" ", webhook.secret, 0)
    first = desk.receiver.requests[0]
    assert first.path == "/in?from=ledger"
    assert first.members["type"] == first.members["data"]["type"] == "post.created.v1"
    assert first.members["data"]["title"] == "A title"


async def test_only_events_that_are_wanted_come(desk: Desk) -> None:
    """A webhook with names gets these and passes over all others."""
    webhook = await desk.register("post.published")
    positions = await desk.append(3)
    async with desk.delivering():
        await desk.settled(webhook.id)
        await desk.received(*positions[1::2])

    assert {each.type for each in (await desk.known(webhook.id)).values()} == {"post.published.v1"}


async def test_an_event_that_fails_does_not_hold_up_the_others(desk: Desk) -> None:
    """It is set aside; the next one is tried after a while, and then all the rest at once."""
    webhook = await desk.register()
    positions = await desk.append(2)
    poison = positions[0]

    async def refuses_one(request: object, writer: object) -> bytes:
        status = 500 if desk.receiver.positions[-1] == poison else 204
        return await answering(status)(request, writer)  # type: ignore[arg-type]  # as it came

    desk.receiver.answers = refuses_one
    async with desk.delivering():
        await desk.received(poison)
        await _attempted(desk, webhook.id, 1)
        held = await desk.progress(webhook.id)
        await desk.time_passes()
        await desk.settled(webhook.id)
        known = await desk.known(webhook.id)

    assert held.held_until is not None
    assert held.failing_since is not None
    assert [*known] == [*reversed(positions)]
    assert {each.state for position, each in known.items() if position != poison} == {"delivered"}
    assert known[poison].state == "waiting"
    assert (known[poison].status, known[poison].reason) == (500, "refused")
    assert (await desk.progress(webhook.id)).failing_since is None


async def test_any_success_lets_the_rest_go_on(desk: Desk) -> None:
    """Also that of an event which is tried again: whoever takes it is well."""
    webhook = await desk.register()
    positions = await desk.append()
    desk.receiver.answers = answering(500)
    async with desk.delivering():
        await _attempted(desk, webhook.id, 1)
        desk.receiver.answers = takes_it
        await desk.product.database.fetch(
            "update webhook_cursors set hold_until = clock_timestamp() + interval '1 hour'"
        )
        await desk.product.database.fetch(
            "update webhook_deliveries set next_at = clock_timestamp()"
        )
        await desk.settled(webhook.id)
    rows = await desk.product.database.fetch("select failures from webhook_cursors")

    assert desk.receiver.positions == [positions[0], *positions]
    assert rows[0][0] == 0


async def test_the_last_attempt_leaves_a_dead_letter(desk: Desk) -> None:
    """Ten attempts, and operators see it; replayed, it is tried as if for the first time."""
    webhook = await desk.register("post.created")
    (position, _) = await desk.append()
    desk.receiver.answers = answering(404)
    async with desk.delivering():
        for attempt in range(1, 11):
            await desk.received(*[position] * attempt)
            await _attempted(desk, webhook.id, attempt)
            await desk.time_passes()
        dead = (await desk.known(webhook.id))[position]
        desk.receiver.answers = takes_it
        await desk.replay(webhook.id, dead)
        await desk.received(*[position] * 11)
        await _attempted(desk, webhook.id, 1)

    assert (dead.state, dead.attempts, dead.status) == ("dead", 10, 404)
    replayed = (await desk.known(webhook.id))[position]
    assert (replayed.id, replayed.state) == (dead.id, "delivered")
    ids = {request.headers["webhook-id"] for request in desk.receiver.requests}
    assert ids == {str(dead.event_id)}


async def test_gone_disables_the_webhook(desk: Desk) -> None:
    """410 ends it; resumed, it goes on with the very event that was answered so."""
    webhook = await desk.register("post.created", "post.published")
    positions = await desk.append()
    desk.receiver.answers = answering(410)
    async with desk.delivering():
        await desk.received(positions[0])

        async def disabled() -> bool:
            return (await desk.webhook(webhook.id)).status == "disabled"

        assert await eventually(disabled)
        assert (await desk.webhook(webhook.id)).disabled_because == "gone"
        desk.receiver.answers = takes_it
        await desk.change(webhook.id, Resume())
        await desk.received(positions[0], *positions)


async def test_days_of_failing_disable_the_webhook(desk: Desk) -> None:
    """Three days without a success; what waits and what is to come is sent once it is resumed."""
    webhook = await desk.register("post.created", "post.published")
    positions = await desk.append(2)
    desk.receiver.answers = answering(502)
    async with desk.delivering():
        await desk.received(positions[0])
        await _attempted(desk, webhook.id, 1)
        assert (await desk.webhook(webhook.id)).status == "active"
        await desk.product.database.fetch(
            "update webhook_cursors set failing_since = failing_since - interval '73 hours'"
        )
        await desk.time_passes()

        async def disabled() -> bool:
            return (await desk.webhook(webhook.id)).status == "disabled"

        assert await eventually(disabled)
        assert (await desk.webhook(webhook.id)).disabled_because == "failing"
        attempts = (await desk.known(webhook.id))[positions[0]].attempts
        await desk.change(webhook.id, Resume())
        await _attempted(desk, webhook.id, attempts + 1, positions[0])
        assert (await desk.webhook(webhook.id)).status == "active"
        desk.receiver.answers = takes_it

        async def delivered() -> bool:
            await desk.time_passes()
            known = await desk.known(webhook.id)
            return {at for at, each in known.items() if each.state == "delivered"} == {*positions}

        assert await eventually(delivered)


async def test_a_receiver_that_asks_for_a_pause_gets_it(desk: Desk) -> None:
    """Retry-After of 429 and 503 holds up everything, and no longer than a day."""
    webhook = await desk.register()
    positions = await desk.append(2)
    desk.receiver.answers = answering(429, "retry-after: 3600\r\n")
    async with desk.delivering():
        await desk.received(positions[0])
        await _attempted(desk, webhook.id, 1)
        rows = await desk.product.database.fetch(
            "select extract(epoch from c.quiet_until - clock_timestamp()),"
            " extract(epoch from d.next_at - clock_timestamp())"
            " from webhook_cursors c join webhook_deliveries d using (webhook_id)"
        )
    await desk.product.database.fetch("update webhook_deliveries set next_at = clock_timestamp()")
    await desk.product.database.fetch("update webhook_cursors set hold_until = null")
    while_quiet = await desk.work().take(1)
    await desk.time_passes()

    assert 3000 < rows[0][0] <= 3600
    assert 3000 < rows[0][1] <= 3600
    assert while_quiet == []
    assert [taken.id for taken in await desk.work().take(1)] == [webhook.id]


async def test_a_pause_holds_up_what_is_tried_again(desk: Desk) -> None:
    """Of several that are due, the one that is answered so is the last."""
    webhook = await desk.register()
    positions = await desk.append()
    desk.receiver.answers = answering(500)
    async with desk.delivering():
        await _attempted(desk, webhook.id, 1, positions[0])
        await desk.time_passes()
        await _attempted(desk, webhook.id, 1, positions[1])
    tried = len(desk.receiver.requests)
    desk.receiver.answers = answering(503, "retry-after: 60\r\n")
    await desk.time_passes()
    async with desk.delivering():

        async def told() -> bool:
            return 503 in {each.status for each in (await desk.known(webhook.id)).values()}

        assert await eventually(told)

    assert len(desk.receiver.requests) == tried + 1


async def test_a_paused_one_sends_nothing_and_loses_nothing(desk: Desk) -> None:
    """What happens meanwhile is sent afterwards."""
    webhook = await desk.register()
    await desk.change(webhook.id, Pause())
    positions = await desk.append()
    async with desk.delivering():
        other = await desk.register()
        later = await desk.append()
        await desk.settled(other.id)
        assert desk.receiver.positions == [*later]
        desk.receiver.requests.clear()
        await desk.change(webhook.id, Resume())
        paused_at = positions[0] - 1
        await desk.settled(webhook.id)

    assert (await desk.progress(webhook.id)).position > paused_at
    wanted = [*positions, *later]
    assert [each for each in desk.receiver.positions if each in wanted] == wanted


@pytest.mark.parametrize("again", [False, True])
async def test_a_change_holds_from_the_next_attempt_on(desk: Desk, *, again: bool) -> None:
    """One that is paused between two attempts sends no more, whether they are the first or not."""
    webhook = await desk.register()
    positions = await desk.append()
    if again:
        desk.receiver.answers = answering(500)
        async with desk.delivering():
            await _attempted(desk, webhook.id, 1, positions[0])
            await desk.time_passes()
            await _attempted(desk, webhook.id, 1, positions[1])
        await desk.time_passes()
    tried = len(desk.receiver.requests)

    async def pauses(_: Received, __: StreamWriter) -> bytes:
        if len(desk.receiver.requests) == tried + 1:
            await desk.change(webhook.id, Pause())
        return NO_CONTENT

    desk.receiver.answers = pauses
    async with desk.delivering():

        async def kept() -> bool:
            known = await desk.known(webhook.id)
            return "delivered" in {each.state for each in known.values()}

        assert await eventually(kept)

    assert len(desk.receiver.requests) == tried + 1


async def test_a_webhook_is_sent_back(desk: Desk) -> None:
    """Everything after a position comes again, with the ids that it had."""
    webhook = await desk.register("post.created", "post.published")
    positions = await desk.append(2)
    async with desk.delivering():
        await desk.received(*positions)
        await desk.rewind(webhook.id, positions[1])
        await desk.received(*positions, *positions[2:])

    ids = [request.headers["webhook-id"] for request in desk.receiver.requests]
    assert ids[4:] == ids[2:4]


async def test_both_secrets_sign_while_one_is_rotated(desk: Desk) -> None:
    """The old one goes on being good for the time that was asked for, and no longer."""
    webhook = await desk.register("post.created")
    new = await desk.rotate(webhook.id, seconds=3600)
    await desk.append()
    async with desk.delivering():
        await desk.settled(webhook.id)
        newest = await desk.rotate(webhook.id, seconds=0)
        await desk.append()
        await desk.settled(webhook.id)

    first, second = desk.receiver.requests
    for request, good in ((first, {webhook.secret, new}), (second, {newest})):
        signed_by = {
            secret
            for secret in (webhook.secret, new, newest)
            if EXAMPLE["verified"](request.headers, request.body, secret, time.time())
        }
        assert signed_by == good


async def test_secrets_are_kept_sealed(desk: Desk) -> None:
    """Nothing in the database holds one in the clear."""
    webhook = await desk.register()
    secret = base64.b64decode(webhook.secret.removeprefix("whsec_"))
    rows = await desk.product.database.fetch("select sealed from webhook_secrets")
    logged = await desk.product.database.fetch("select data::text from events")

    assert secret not in rows[0][0]
    assert all(webhook.secret[10:] not in text for (text,) in logged)


async def test_an_event_that_cannot_be_read_is_set_aside(desk: Desk) -> None:
    """It is told loudly as a dead letter, is no fault of the receiver, and the rest goes on."""
    webhook = await desk.register()
    positions = await desk.append()

    def decode(tag: str, data: str) -> StoredEvent:
        if tag == "post.created.v1":
            raise ValueError("of a newer program")
        return desk.product.codec.decode(tag, data)

    async with desk.delivering(decode=decode):
        await desk.settled(webhook.id)
    known = await desk.known(webhook.id)

    assert desk.receiver.positions == [positions[1]]
    assert (known[positions[0]].state, known[positions[0]].reason) == ("dead", "event_unreadable")


async def test_several_workers_deliver_each_event_once(desk: Desk) -> None:
    """A webhook is one worker's at a time; several webhooks are delivered for at once."""
    registered = [await desk.register() for _ in range(3)]
    positions = await desk.append(20)
    async with desk.delivering(), desk.delivering(), desk.delivering():
        for each in registered:
            await desk.settled(each.id)

    # Each of the three has had the registrations of those after it as well.
    of_posts = [position for position in desk.receiver.positions if position >= positions[0]]
    assert sorted(of_posts) == sorted([*positions] * 3)


async def test_a_worker_that_was_overtaken_writes_nothing(desk: Desk) -> None:
    """What it finds out after its lease is over is refused."""
    await desk.register()
    positions = await desk.append()
    slow, quick = desk.work(lease_seconds=0), desk.work()
    (late,) = await slow.take(1)
    (taken,) = await quick.take(1)
    page = await slow.page(late.position, ())
    version = 1
    result = Result(DeliveryState.DELIVERED.value, 1, None, 204, None, None)
    due = Due(page.entries[0].event_id, page.entries[0].event_id, 1, page.entries[0])

    assert await slow.keep_first(late, version, page.entries[0], result, 0, None) is None
    assert await slow.keep_again(late, version, due, result) is None
    assert await quick.take(1) == []
    kept = await quick.keep_first(taken, version, page.entries[0], result, 0, None)
    assert kept is not None
    assert kept.unchanged
    assert page.entries[0].position == positions[0]


async def test_what_is_over_for_long_is_forgotten(desk: Desk) -> None:
    """Deliveries after seven days, dead letters after ninety, and all of a removed webhook."""
    webhook = await desk.register()
    await desk.append()
    async with desk.delivering():
        await desk.settled(webhook.id)
    forgotten = await desk.work().forget(datetime.now(UTC), 100)
    await desk.product.database.fetch(
        "update webhook_deliveries set last_at = last_at - interval '8 days' where position % 2 = 0"
    )
    old = await desk.work().forget(datetime.now(UTC), 100)
    await desk.remove(webhook.id)
    rest = await desk.work().forget(datetime.now(UTC), 100)
    left = await desk.product.database.fetch(
        "select (select count(*) from webhook_deliveries), (select count(*) from webhook_cursors),"
        " (select count(*) from webhook_secrets)"
    )

    assert (forgotten, old, rest) == (0, 1, 1)
    assert tuple(left[0]) == (0, 0, 0)


async def _attempted(
    desk: Desk, webhook_id: UUID, attempts: int, position: int | None = None
) -> None:
    """Wait until what came of so many attempts of an event, or of the only one, is kept."""

    async def kept() -> bool:
        known = await desk.known(webhook_id)
        made = [each.attempts for at, each in known.items() if position in {None, at}]
        return made == [attempts]

    assert await eventually(kept)
