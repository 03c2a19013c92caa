"""Shows that an upload which does not end well leaves nothing: no row, file, hold or descriptor."""

import asyncio
import json
import os
import random
import resource
import socket
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from commands.ports import Append, AppendResult, EventStore, StoreUnavailableError
from infra.files import folder
from tests.support.http import problem, raw_connection
from tests.support.own_postgres import own_postgres
from tests.support.product import Api, running_api
from tests.support.services import data_folder
from tests.support.uploading import (
    FORM,
    NOTHING,
    a_png,
    filled,
    form,
    kept,
    part,
    send_form,
    upload,
    upload_head,
)
from tests.support.waiting import eventually
from workers.blob_sweeper import sweep

TIMES = 1_000
AT_ONCE = 32
FULL_DISK = Path("/dev/full")
RESET = struct.pack("ii", 1, 0)
CONTENT = filled(150_000)


def _descriptors() -> set[str]:
    """Name the files that this process, which runs the product, has open in some folder."""
    found = set()
    for number in Path("/proc/self/fd").iterdir():
        try:
            target = str(number.readlink())
        except FileNotFoundError:
            continue
        if "/files/" in target:
            found.add(target)
    return found


async def _nothing_is_left(api: Api) -> bool:
    return await kept(api) == NOTHING and not _descriptors()


def _wishes(api: Api, seed: random.Random) -> tuple[bytes, int | None]:
    """Draw an upload and where it is cut; None where it is sent whole, and refused."""
    body = form(part(CONTENT))
    kind = seed.choice(["cut", "cut", "cut", "chunked", "mismatch", "two", "cut form", "no file"])
    if kind == "mismatch":
        body = form(part(CONTENT, mime="image/jpeg"))
    elif kind == "two":
        body = form(part(CONTENT), part(a_png()))
    elif kind == "cut form":
        body = body[: seed.randrange(len(body))]
    elif kind == "no file":
        body = form(part(b"text", name="a", filename=None, mime=None))
    if kind == "chunked":
        framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        whole = upload_head(api, None) + framed
    else:
        whole = upload_head(api, len(body)) + body
    return whole, seed.randrange(1, len(whole)) if kind in {"cut", "chunked"} else None


async def _try(api: Api, seed: random.Random) -> int | None:
    """Send one that cannot succeed, and give the status if it was heard out."""
    whole, cut = _wishes(api, seed)
    host, port = api.host.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(whole if cut is None else whole[:cut])
        await writer.drain()
        if cut is not None:
            if seed.random() < 0.5:
                handle = writer.get_extra_info("socket")
                handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            return None
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()


async def test_a_thousand_uploads_that_end_badly_leave_nothing(api: Api) -> None:
    """Cut anywhere, by the client's end or a reset, or refused for one reason or another."""
    seed = random.Random(17)  # noqa: S311 - drawn the same each time
    events = await api.events()
    heard: list[int | None] = []
    for _ in range(0, TIMES, AT_ONCE):
        heard += await asyncio.gather(*(_try(api, seed) for _ in range(AT_ONCE)))

    assert len(heard) >= TIMES
    assert {status for status in heard if status is not None} == {400, 415}
    assert await eventually(partial(_nothing_is_left, api))
    assert await api.events() == events
    assert (await upload(api.author)).status_code == 201


class FailingStore(msgspec.Struct):
    """The event store, but for files' events: what becomes of those is the test's to say."""

    store: EventStore
    fail: Callable[[], Awaitable[None]]
    first_writes: bool = False

    async def append(self, append: Append) -> AppendResult:
        """Append, or raise before or after it."""
        if append.stream.category == "file":
            if self.first_writes:
                await self.store.append(append)
            await self.fail()
        return await self.store.append(append)

    async def read_stream(self, *args: object, **more: object) -> object:
        """Pass it on."""
        return await self.store.read_stream(*args, **more)  # type: ignore[arg-type]  # passed on


async def _unreachable() -> None:
    raise StoreUnavailableError("the connection was cut")


async def _bug() -> None:
    raise LookupError("a bug")


@pytest.mark.parametrize(
    ("fail", "status", "error"),
    [(_unreachable, 503, "service_degraded"), (_bug, 500, "internal_error")],
)
async def test_an_append_that_fails_leaves_nothing(
    database_url: str, fail: Callable[[], Awaitable[None]], status: int, error: str
) -> None:
    """The bytes were in place already, and are removed with their hold."""
    async with running_api(database_url) as api:
        files = api.services.files
        failing: EventStore = FailingStore(files.ledger.store, fail)  # type: ignore[assignment]  # see there
        broken = msgspec.structs.replace(
            files, ledger=msgspec.structs.replace(files.ledger, store=failing)
        )
        async with running_api(
            database_url, alter=lambda made: msgspec.structs.replace(made, files=broken)
        ) as other:
            problem(await upload(other.author), status, error)

            assert await eventually(partial(_nothing_is_left, other))


async def test_a_file_whose_append_was_not_heard_of_stays(database_url: str) -> None:
    """Cut after the commit: 503, as nobody knows, and the file with its blob is there."""
    async with running_api(database_url) as first:
        files = first.services.files
        failing: EventStore = FailingStore(  # type: ignore[assignment]  # see there
            files.ledger.store, _unreachable, first_writes=True
        )
        broken = msgspec.structs.replace(
            files, ledger=msgspec.structs.replace(files.ledger, store=failing)
        )
        async with running_api(
            database_url, alter=lambda made: msgspec.structs.replace(made, files=broken)
        ) as api:
            problem(await upload(api.author), 503, "service_degraded")

            after = await kept(api)
            assert (after.files, after.blob_rows, after.holds, len(after.blobs)) == (1, 1, 0, 1)


async def test_a_database_that_stops_at_the_append_leaves_nothing() -> None:
    """503; once it runs again and the hold is over, the sweeper removes what was in place."""
    async with own_postgres() as postgres, running_api(postgres.url) as first:
        files = first.services.files
        stopping: EventStore = FailingStore(  # type: ignore[assignment]  # see there
            files.ledger.store, postgres.kill
        )
        broken = msgspec.structs.replace(
            files, ledger=msgspec.structs.replace(files.ledger, store=stopping)
        )
        async with running_api(
            postgres.url, alter=lambda made: msgspec.structs.replace(made, files=broken)
        ) as api:
            problem(await upload(api.author), 503, "service_degraded")
            await postgres.start()
            assert await eventually(partial(_answers, api))
            before = await kept(api)
            await _let_holds_run_out(api)
            await sweep(api.stored.removal)

            assert (before.files, before.holds, len(before.blobs)) == (0, 1, 1)
            assert await kept(api) == NOTHING
            assert not _descriptors()


@pytest.mark.skipif(not FULL_DISK.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("size", [1_000, 2_000_000])
async def test_a_disk_that_is_full_is_507(
    api: Api, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """The kernel's own refusal, at the first byte or the last; the next upload is taken."""
    with monkeypatch.context() as patched:
        patched.setattr(folder, "create_private", lambda _: os.open(FULL_DISK, os.O_RDWR))
        problem(await upload(api.author, filled(size)), 507, "storage_full")

    assert await eventually(partial(_nothing_is_left, api))
    assert (await upload(api.author)).status_code == 201


async def test_a_disk_that_fills_up_is_507(api: Api) -> None:
    """A part of the file is written before the kernel refuses the rest: it is removed."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        problem(await upload(api.author, filled(3_000_000)), 507, "storage_full")
        small = await upload(api.author)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert small.status_code == 201
    after = await kept(api)
    assert (after.files, after.holds, len(after.blobs), after.incoming) == (1, 0, 1, ())


async def test_what_a_killed_process_left_is_swept(database_url: str) -> None:
    """Its hold runs out, and the sweeper removes what had come; not before."""
    with data_folder() as shared:
        async with (
            _killed_in_the_middle(database_url, shared),
            running_api(database_url, data_dir=shared) as api,
        ):
            before = await kept(api)
            await sweep(api.stored.removal)
            meanwhile = await kept(api)
            await _let_holds_run_out(api)
            await sweep(api.stored.removal)

            assert (before.holds, len(before.incoming)) == (1, 1)
            assert meanwhile == before
            assert await kept(api) == NOTHING
            assert (await upload(api.author)).status_code == 201


async def test_a_blob_that_was_in_place_and_not_recorded_is_swept(api: Api) -> None:
    """Killed between the move and the append: the blob goes with its hold."""
    store, database = api.stored.store, api.product.database
    upload_id = api.product.ledger.new_id()
    incoming = await store.incoming(upload_id)
    await incoming.write(CONTENT)
    received = await incoming.finish()
    await database.fetch(
        "insert into blob_holds values ($1, $2, $3, 0, clock_timestamp() + interval '1 hour')",
        *(upload_id, received.digest, api.author.account_id),
    )
    await incoming.keep(received.digest)
    await incoming.abort()
    await sweep(api.stored.removal)
    before = await kept(api)
    await _let_holds_run_out(api)
    await sweep(api.stored.removal)

    assert (before.holds, before.blobs) == (1, (received.digest,))
    assert await kept(api) == NOTHING


async def test_a_hold_that_ran_out_lets_nothing_be_recorded(api: Api) -> None:
    """The bytes were swept while the body was still coming: 503, and no file without a blob."""
    body = form(part(CONTENT))

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:100_000]
        assert await eventually(partial(_is_held, api))
        await _let_holds_run_out(api)
        await sweep(api.stored.removal)
        yield body[100_000:]

    problem(await send_form(api.author, slowly()), 503, "service_degraded")
    assert await eventually(partial(_nothing_is_left, api))


async def _answers(api: Api) -> bool:
    try:
        await kept(api)
    except StoreUnavailableError:
        return False
    return True


async def _is_held(api: Api) -> bool:
    return (await kept(api)).holds == 1


async def _let_holds_run_out(api: Api) -> None:
    await api.product.database.fetch("update blob_holds set expires_at = clock_timestamp()")


@asynccontextmanager
async def _killed_in_the_middle(database_url: str, data_dir: Path) -> AsyncIterator[None]:
    """Have another process take half an upload, and kill it."""
    program = ("-m", "tests.support.upload_until_killed", database_url, str(data_dir))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            host, token = json.loads(await process.stdout.readline())
        body = form(part(filled(2_000_000)))
        at, port = host.rsplit(":", 1)
        async with raw_connection(at, int(port)) as connection:
            head = f"POST /upload HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
            await connection.send(
                f"{head}Content-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                + body[:1_500_000]
            )
            assert await eventually(partial(_has_begun, data_dir))
            process.kill()
            await process.wait()
        yield
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _has_begun(data_dir: Path) -> bool:
    return any(path.stat().st_size for path in (data_dir / "files" / "incoming").glob("*"))
