"""The limiter when its server is killed, paused, flushed, full, read-only or no Redis at all."""

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from itertools import count

import pytest

from commands.limits import Admitted, LimiterDown, Quota, Refused, Rule
from infra.identity.limits import RedisLimiter, redis_limiter
from infra.logs import configure_logs
from infra.redis_calls import CONNECTIONS
from tests.support.own_valkey import OwnValkey, own_valkey

pytestmark = pytest.mark.usefixtures("prompt")

KEY = bytes(32)
HOME = "203.0.113.7"
RULES = {"try": Rule(account=Quota("t-account", 3, 3600), network=Quota("t-network", 10**6, 1))}
AT_ONCE = 3 * CONNECTIONS
IN_TIME = 2.0
"""Far more than the 300 ms that are measured, far less than redis-py's own time-outs."""

_numbers = count(1)

Verdict = Admitted | Refused | LimiterDown


@pytest.fixture(scope="module")
async def valkey() -> AsyncIterator[OwnValkey]:
    """Run a server for the tests of this file."""
    async with own_valkey() as valkey:
        yield valkey


@pytest.fixture
async def limiter(valkey: OwnValkey) -> AsyncIterator[RedisLimiter]:
    """Count on that server."""
    async with redis_limiter(valkey.url, key=KEY, rules=RULES) as limiter:
        yield limiter


class Relay:
    """Passes bytes to the server and back, but for connections that it has lost."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._generation = 0

    def lose_connections(self) -> None:
        """Let those that there are look open and lead nowhere, as a lost machine's do."""
        self._generation += 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection's bytes until either end closes it."""
        made = self._generation
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)

        async def passing(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                if made == self._generation:
                    target.write(data)
                    await target.drain()
            target.close()

        await asyncio.gather(passing(reader, to_server), passing(from_server, writer))


def somebody() -> str:
    """Name a subject that nobody has tried yet."""
    return f"{next(_numbers):064x}"


async def attempt(limiter: RedisLimiter, subject: str | None = None) -> Verdict:
    """Try once."""
    async with asyncio.timeout(IN_TIME):
        return await limiter.admit("try", subject=subject or somebody(), address=HOME)


async def many(limiter: RedisLimiter) -> Sequence[Verdict]:
    """Try more often at once than there are connections."""
    return await asyncio.gather(*(attempt(limiter) for _ in range(AT_ONCE)))


def admitted(verdicts: Sequence[Verdict]) -> bool:
    """Tell whether each was."""
    return all(isinstance(verdict, Admitted) for verdict in verdicts)


def down(verdicts: Sequence[Verdict]) -> bool:
    """Tell whether nobody could count any of them."""
    return all(isinstance(verdict, LimiterDown) for verdict in verdicts)


async def test_killed_and_started_again(valkey: OwnValkey, limiter: RedisLimiter) -> None:
    """Nobody is admitted while the server is gone, and the first attempt after it is counted."""
    assert admitted(await many(limiter))
    await valkey.kill()
    try:
        assert down(await many(limiter))
    finally:
        await valkey.start()

    assert isinstance(await attempt(limiter), Admitted)
    assert admitted(await many(limiter))


async def test_restarted_between_two_attempts(valkey: OwnValkey, limiter: RedisLimiter) -> None:
    """Connections that ended while nobody used them cost no attempt its answer."""
    assert admitted(await many(limiter))
    await valkey.kill()
    await valkey.start()

    assert admitted(await many(limiter))


async def test_paused(valkey: OwnValkey, limiter: RedisLimiter) -> None:
    """A server that stalls is one that is down: for those on old connections, and on new ones."""
    assert admitted(await many(limiter))
    valkey.pause()
    try:
        assert down(await many(limiter))
        assert down(await many(limiter))
    finally:
        valkey.resume()

    assert await valkey.answers()
    assert isinstance(await attempt(limiter), Admitted)
    assert admitted(await many(limiter))


async def test_callers_that_leave_take_nothing_with_them(
    valkey: OwnValkey, limiter: RedisLimiter
) -> None:
    """However many attempts are cancelled half-way, as many connections as before are there."""
    await many(limiter)
    valkey.pause()
    try:
        for _ in range(5):
            leaving = [asyncio.create_task(attempt(limiter)) for _ in range(AT_ONCE)]
            await asyncio.sleep(0)
            for task in leaving:
                task.cancel()
            ended = await asyncio.gather(*leaving, return_exceptions=True)
            assert all(isinstance(end, asyncio.CancelledError) for end in ended)
    finally:
        valkey.resume()

    assert await valkey.answers()
    assert admitted(await many(limiter))


async def test_connections_that_lead_nowhere(valkey: OwnValkey) -> None:
    """After connections died without a sign, one attempt finds out for all the others."""
    relay = Relay(valkey.port)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    async with server:
        url = valkey.url.replace(str(valkey.port), str(server.sockets[0].getsockname()[1]))
        async with redis_limiter(url, key=KEY, rules=RULES) as limiter:
            assert admitted(await many(limiter))
            relay.lose_connections()
            first = await attempt(limiter)
            later = await many(limiter)

    assert isinstance(first, LimiterDown)
    assert admitted(later)


async def test_connections_are_bounded(valkey: OwnValkey, limiter: RedisLimiter) -> None:
    """However many attempts there are at once, the server has few connections to keep."""
    await many(limiter)
    clients = await valkey.do("INFO", "clients")

    assert clients["connected_clients"] == CONNECTIONS + 1


async def test_flushed(valkey: OwnValkey, limiter: RedisLimiter) -> None:
    """A flushed server starts anew: what it counted is gone, and it counts on at once."""
    subject = somebody()
    before = [await attempt(limiter, subject) for _ in range(4)]
    await valkey.do("FLUSHALL")
    after = [await attempt(limiter, subject) for _ in range(4)]

    assert [type(verdict) for verdict in before] == [Admitted, Admitted, Admitted, Refused]
    assert after == before


async def test_scripts_flushed(valkey: OwnValkey, limiter: RedisLimiter) -> None:
    """A server that has forgotten the script counts on without a false refusal."""
    subject = somebody()
    before = [await attempt(limiter, subject) for _ in range(2)]
    await valkey.do("SCRIPT", "FLUSH")

    assert admitted(before)
    assert isinstance(await attempt(limiter, subject), Admitted)
    assert isinstance(await attempt(limiter, subject), Refused)


async def test_full(valkey: OwnValkey, limiter: RedisLimiter) -> None:
    """A server without memory admits nobody and counts nothing; with memory it goes on."""
    subject = somebody()
    assert isinstance(await attempt(limiter, subject), Admitted)
    await valkey.do("CONFIG", "SET", "maxmemory", 1)
    try:
        assert down([await attempt(limiter, subject), *await many(limiter)])
    finally:
        await valkey.do("CONFIG", "SET", "maxmemory", 0)
    again = await attempt(limiter, subject)

    assert isinstance(again, Admitted)
    assert again.standings[0].remaining == 1


async def test_a_replica(valkey: OwnValkey, limiter: RedisLimiter) -> None:
    """A server that only reads, as after a failover, admits nobody."""
    await valkey.do("REPLICAOF", "127.0.0.1", 1)
    try:
        assert isinstance(await attempt(limiter), LimiterDown)
    finally:
        await valkey.do("REPLICAOF", "NO", "ONE")

    assert isinstance(await attempt(limiter), Admitted)


async def test_forgiving_and_forgetting_in_an_outage(
    valkey: OwnValkey, limiter: RedisLimiter
) -> None:
    """A login that succeeded is not broken by a server that dies right after."""
    subject = somebody()
    await attempt(limiter, subject)
    await valkey.kill()
    try:
        async with asyncio.timeout(IN_TIME):
            await limiter.forgive("try", subject)
            await limiter.forget(subject)
    finally:
        await valkey.start()


async def test_an_outage_is_logged_once_and_without_secrets(
    valkey: OwnValkey, limiter: RedisLimiter, request: pytest.FixtureRequest
) -> None:
    """An attacker cannot fill the log during an outage; its end is told too."""
    out = io.StringIO()
    configure_logs(production=True, stream=out)
    request.addfinalizer(lambda: configure_logs(production=False))
    subject = somebody()
    await valkey.kill()
    try:
        for _ in range(5):
            await attempt(limiter, subject)
    finally:
        await valkey.start()
    await attempt(limiter, subject)
    await attempt(limiter, subject)
    lines = out.getvalue().splitlines()

    assert ["refused" in line for line in lines] == [True, False]
    assert "counted again" in lines[1]
    for secret in (valkey.url, "own-valkey-password", subject, HOME):
        assert secret not in out.getvalue()


async def test_a_wrong_password(valkey: OwnValkey) -> None:
    """A server that does not let us in admits nobody, and neither does one that is not there."""
    wrong = valkey.url.replace("own-valkey-password", "another")
    nobody = "redis://127.0.0.1:1/0"
    for url in (wrong, nobody, "unix:///nonexistent/valkey.sock"):
        async with redis_limiter(url, key=KEY, rules=RULES) as limiter:
            assert isinstance(await attempt(limiter), LimiterDown)


async def test_time_outs_of_the_address_do_not_count(valkey: OwnValkey) -> None:
    """Whatever an operator appends to the address, nobody waits longer for it."""
    url = f"{valkey.url}?socket_timeout=60&socket_connect_timeout=60&retry_on_timeout=yes"
    async with redis_limiter(url, key=KEY, rules=RULES) as limiter:
        assert isinstance(await attempt(limiter), Admitted)
        valkey.pause()
        try:
            assert isinstance(await attempt(limiter), LimiterDown)
        finally:
            valkey.resume()
    assert await valkey.answers()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"+OK\r\n",
        b"$-1\r\n",
        b"*-1\r\n",
        b"*0\r\n",
        b":0\r\n",
        b":abc\r\n",
        b"$abc\r\n",
        b"$5\r\nabc\r\n",
        b"*1\r\n:0\r\n",
        b"*5\r\n:0\r\n:1\r\n:2\r\n:3\r\n$1\r\nx\r\n",
        b"*5\r\n:0\r\n:-1\r\n:2\r\n:3\r\n:4\r\n",
        b"*5\r\n:0\r\n:4\r\n:2\r\n:3\r\n:4\r\n",
        b"*6\r\n:0\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n",
        b"*1\r\n" * 5_000,
        b"-LOADING the dataset is being loaded\r\n",
        b"-BUSY running a script\r\n",
        b"-MOVED 1 127.0.0.1:1\r\n",
        b"-\r\n",
        b"%1\r\n+a\r\n+b\r\n",
        b"\xff\xfe\x00\r\n",
        b"*99999999999\r\n",
        b"$99999999999\r\n",
    ],
)
async def test_an_answer_that_is_none(answer: bytes) -> None:
    """Whatever a server says that is not the script's answer, nobody is admitted for it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"EVAL\r\n")
        writer.write(answer)
        await writer.drain()
        if not answer:
            writer.close()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        url = f"redis://127.0.0.1:{port}/0"
        async with redis_limiter(url, key=KEY, rules=RULES) as limiter:
            verdict = await attempt(limiter)

    assert verdict == LimiterDown()
