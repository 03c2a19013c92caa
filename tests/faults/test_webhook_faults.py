"""Webhooks when their worker is killed or paused, and when receivers are hostile."""

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from infra.webhooks.addresses import is_public
from tests.support.processes import Process, running
from tests.support.receiver import (
    NO_CONTENT,
    Received,
    Receiver,
    answering,
    certificate_pem,
    running_receiver,
    takes_it,
)
from tests.support.waiting import eventually
from tests.support.webhooks import Desk, open_desk


def worker(url: str, port: int, folder: Path) -> AbstractAsyncContextManager[Process]:
    """Run a worker until the end of the block, or of itself."""
    certificate = folder / "receiver.pem"
    certificate.write_bytes(certificate_pem())
    arguments = (url, str(port), str(certificate))
    return running("tests.faults.webhook_worker", *arguments, says="delivering")


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


async def expire_leases(desk: Desk) -> None:
    """Let the time of every lease be over."""
    await desk.product.database.fetch(
        "update webhook_cursors set lease_until = clock_timestamp() - interval '1 second'"
    )


def first_of_each(positions: Sequence[int]) -> list[int]:
    """Give positions without their repetitions."""
    return list(dict.fromkeys(positions))


@pytest.mark.parametrize("answered", [False, True])
async def test_a_worker_that_is_killed_in_the_middle(
    desk: Desk, receiver: Receiver, database_url: str, tmp_path: Path, *, answered: bool
) -> None:
    """With an attempt under way, or just answered: that event comes again, and none is lost."""
    webhook = await desk.register()
    positions = await desk.append(4)
    reached = asyncio.Event()

    async def kills(_: Received, writer: asyncio.StreamWriter) -> bytes:
        if len(receiver.requests) < 4:
            return NO_CONTENT
        if answered:
            writer.write(NO_CONTENT)
            await writer.drain()
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    receiver.answers = kills
    async with worker(database_url, receiver.port, tmp_path) as killed:
        async with asyncio.timeout(20):
            await reached.wait()
        killed.send(signal.SIGKILL)
        await killed.ended()
    receiver.answers = takes_it
    await expire_leases(desk)
    async with desk.delivering():
        await desk.settled(webhook.id)

    assert first_of_each(receiver.positions) == [*positions]
    assert len(receiver.positions) <= len(positions) + 1
    ids = {(each.position, each.headers["webhook-id"]) for each in receiver.requests}
    assert len(ids) == len(positions)
    assert {each.state for each in (await desk.known(webhook.id)).values()} == {"delivered"}


async def test_a_paused_worker_that_wakes_is_fenced_off(
    desk: Desk, receiver: Receiver, database_url: str, tmp_path: Path
) -> None:
    """Another delivers while it sleeps; what it finds out then is not kept, and nothing is lost."""
    webhook = await desk.register()
    positions = await desk.append(3)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def holds(_: Received, __: asyncio.StreamWriter) -> bytes:
        if len(receiver.requests) == 1:
            reached.set()
            await go_on.wait()
            return b"HTTP/1.1 500 Late\r\ncontent-length: 0\r\n\r\n"
        return NO_CONTENT

    receiver.answers = holds
    async with worker(database_url, receiver.port, tmp_path) as paused:
        async with asyncio.timeout(20):
            await reached.wait()
        paused.send(signal.SIGSTOP)
        await expire_leases(desk)
        async with desk.delivering():
            await desk.settled(webhook.id)
            go_on.set()
            paused.send(signal.SIGCONT)
            later = await desk.append()
            await desk.settled(webhook.id)

    assert first_of_each(receiver.positions) == [*positions, *later]
    known = await desk.known(webhook.id)
    assert {each.state for each in known.values()} == {"delivered"}
    assert (await desk.progress(webhook.id)).failing_since is None


async def test_a_receiver_that_hangs_holds_up_nobody_else(desk: Desk, receiver: Receiver) -> None:
    """Others get their events meanwhile; told to stop, the worker does not wait for it."""
    stuck = await desk.register("post.created", url=f"https://{receiver.place}/stuck")
    well = await desk.register("post.created", url=f"https://{receiver.place}/well")
    await desk.append(5)

    async def hangs(request: Received, _: asyncio.StreamWriter) -> bytes:
        if request.path == "/stuck":
            await asyncio.Event().wait()
        return NO_CONTENT

    receiver.answers = hangs
    async with desk.delivering():
        await desk.settled(well.id)

        async def tried() -> bool:
            return any(each.path == "/stuck" for each in receiver.requests)

        assert await eventually(tried)

    assert sum(each.path == "/stuck" for each in receiver.requests) == 1
    assert await desk.known(stuck.id) == {}
    assert stuck.id in {taken.id for taken in await desk.work().take(10)}
    assert {each.state for each in (await desk.known(well.id)).values()} == {"delivered"}


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1"])
async def test_a_name_that_leads_inside(desk: Desk, receiver: Receiver, address: str) -> None:
    """Nothing is connected to; operators see why, and it is tried again later."""
    webhook = await desk.register("post.created")
    (position, _) = await desk.append()

    async def inside(_host: str, _port: int) -> Sequence[str]:
        return [address]

    async with desk.delivering(receiver.sender(resolve=inside, allows=is_public)):

        async def kept() -> bool:
            return position in await desk.known(webhook.id)

        assert await eventually(kept)

    delivery = (await desk.known(webhook.id))[position]
    assert (delivery.state, delivery.reason) == ("waiting", "address_not_public")
    assert receiver.connections == 0


async def test_a_receiver_that_leads_on_inside(desk: Desk, receiver: Receiver) -> None:
    """A redirect is a failure like any other, wherever it leads."""
    webhook = await desk.register("post.created")
    (position, _) = await desk.append()
    location = f"https://{receiver.place}/inside"
    receiver.answers = answering(307, f"location: {location}\r\n")
    async with desk.delivering():

        async def kept() -> bool:
            return position in await desk.known(webhook.id)

        assert await eventually(kept)

    delivery = (await desk.known(webhook.id))[position]
    assert (delivery.state, delivery.status, delivery.reason) == ("waiting", 307, "redirected")
    assert [each.path for each in receiver.requests] == ["/in?from=ledger"]


async def test_a_receiver_that_streams_endlessly(desk: Desk, receiver: Receiver) -> None:
    """Its status counts, and the next event is sent as if nothing were."""
    webhook = await desk.register()
    positions = await desk.append(2)

    async def streams(_: Received, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()
        return b""

    receiver.answers = streams
    async with desk.delivering():
        await desk.settled(webhook.id)

    assert receiver.positions == [*positions]
    assert {each.state for each in (await desk.known(webhook.id)).values()} == {"delivered"}
