"""The limiter on the session's server: what is counted where, and what is kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis.asyncio

from commands.limits import RULES, Admitted, LimiterDown, Quota, Refused, Rule
from infra.identity.limits import PREFIX, RedisLimiter, network_of, redis_limiter
from tests.support.waiting import eventually

KEY = bytes(32)
ANNA, BERT = "a1" * 32, "be" * 32
HOME, OFFICE = "203.0.113.7", "198.51.100.20"

RULE = Rule(
    account=Quota("t-account", 3, 60),
    account_and_network=Quota("t-both", 5, 60),
    network=Quota("t-network", 8, 60),
)


@pytest.fixture
async def limiter(redis_url: str) -> AsyncIterator[RedisLimiter]:
    """Count `try` by the rule of these tests."""
    async with redis_limiter(redis_url, key=KEY, rules={**RULES, "try": RULE}) as limiter:
        yield limiter


@asynccontextmanager
async def looking(url: str) -> "AsyncIterator[redis.asyncio.Redis]":
    """Connect to look at what is stored."""
    client = redis.asyncio.from_url(url, decode_responses=True)
    try:
        yield client
    finally:
        await client.aclose()


async def tries(limiter: RedisLimiter, subject: str, address: str, times: int) -> list[bool]:
    """Try several times and tell each time whether it was admitted."""
    verdicts = [await limiter.admit("try", subject=subject, address=address) for _ in range(times)]
    assert all(isinstance(verdict, Admitted | Refused) for verdict in verdicts)
    return [isinstance(verdict, Admitted) for verdict in verdicts]


async def test_an_account_is_limited_wherever_the_attempts_come_from(
    limiter: RedisLimiter,
) -> None:
    """The fourth attempt on one account is refused from any network; other accounts go on."""
    assert await tries(limiter, ANNA, HOME, 2) == [True, True]
    assert await tries(limiter, ANNA, OFFICE, 2) == [True, False]
    assert await tries(limiter, ANNA, HOME, 1) == [False]
    assert await tries(limiter, BERT, HOME, 1) == [True]


async def test_a_network_is_limited_whomever_the_attempts_are_about(limiter: RedisLimiter) -> None:
    """The ninth attempt of one network is refused, also for an account never tried before."""
    first = [await tries(limiter, f"{number:064x}", HOME, 1) for number in range(9)]

    assert first == [[True]] * 8 + [[False]]
    assert await tries(limiter, "0" * 64, OFFICE, 1) == [True]


async def test_standings_tell_what_is_left(limiter: RedisLimiter) -> None:
    """Each quota of the rule is told with what is left and when one more attempt is there."""
    verdict = await limiter.admit("try", subject=ANNA, address=HOME)

    assert isinstance(verdict, Admitted)
    assert [s.quota for s in verdict.standings] == [
        RULE.account,
        RULE.account_and_network,
        RULE.network,
    ]
    assert [s.remaining for s in verdict.standings] == [2, 4, 7]
    assert [s.reset_seconds for s in verdict.standings] == [20, 12, 8]


async def test_a_refused_attempt_counts_nowhere(limiter: RedisLimiter, redis_url: str) -> None:
    """However often one goes on after a refusal, nothing that is stored changes."""
    await tries(limiter, ANNA, HOME, 3)
    async with looking(redis_url) as client:
        before = {key: await client.hgetall(key) for key in await client.keys()}
        writes = (await client.info("persistence"))["rdb_changes_since_last_save"]
        refused = await tries(limiter, ANNA, HOME, 20)
        after = {key: await client.hgetall(key) for key in await client.keys()}
        writes_after = (await client.info("persistence"))["rdb_changes_since_last_save"]

    assert refused == [False] * 20
    assert after == before
    assert writes_after == writes


async def test_success_resets_the_account_alone(limiter: RedisLimiter) -> None:
    """After a right password the account's quota is whole, the others are as they were."""
    await tries(limiter, ANNA, HOME, 3)
    await limiter.forgive("try", ANNA)
    verdict = await limiter.admit("try", subject=ANNA, address=HOME)

    assert isinstance(verdict, Admitted)
    assert [s.remaining for s in verdict.standings] == [2, 1, 4]


async def test_forgiving_concerns_one_rule_and_one_account(limiter: RedisLimiter) -> None:
    """A login does not give back mails that were asked for, nor another's attempts."""
    for _ in range(3):
        await limiter.admit("register", subject=ANNA, address=HOME)
    await tries(limiter, BERT, OFFICE, 3)
    await limiter.forgive("try", ANNA)

    assert isinstance(await limiter.admit("register", subject=ANNA, address=HOME), Refused)
    assert await tries(limiter, BERT, OFFICE, 1) == [False]


async def test_a_forgotten_subject_leaves_nothing(limiter: RedisLimiter, redis_url: str) -> None:
    """Erasing a person removes what any rule counted with any network; others' counts stay."""
    for rule in ("try", "login", "register", "forgot_password", "password"):
        for address in (HOME, OFFICE, "2001:db8::1"):
            await limiter.admit(rule, subject=ANNA, address=address)
    await limiter.admit("try", subject=BERT, address=HOME)
    await limiter.forget(ANNA)
    async with looking(redis_url) as client:
        subjects = await client.keys(f"{PREFIX}subject:*")
        networks = await client.keys(f"{PREFIX}network:*")

    assert len(subjects) == 1
    assert len(networks) == 3


async def test_fifty_at_once_are_counted_one_by_one(redis_url: str) -> None:
    """Of 50 attempts at one moment by two processes, from 50 networks, the quota is admitted."""
    async with (
        redis_limiter(redis_url, key=KEY) as one,
        redis_limiter(redis_url, key=KEY) as other,
    ):
        verdicts = await asyncio.gather(
            *(
                (one if number % 2 else other).admit(
                    "login", subject=ANNA, address=f"203.0.113.{number}"
                )
                for number in range(50)
            )
        )

    assert sum(isinstance(verdict, Admitted) for verdict in verdicts) == 5
    assert sum(isinstance(verdict, Refused) for verdict in verdicts) == 45


async def test_the_announced_wait_is_true(redis_url: str) -> None:
    """Whoever waits as long as told is admitted, though others' refusals came in between."""
    rules = {"try": Rule(account=Quota("t", 1, 1))}
    async with redis_limiter(redis_url, key=KEY, rules=rules) as limiter:
        clock = asyncio.get_running_loop().time
        await limiter.admit("try", subject=ANNA, address=HOME)
        refused = await limiter.admit("try", subject=ANNA, address=HOME)
        assert isinstance(refused, Refused)
        told = clock() + refused.retry_after

        async def due() -> bool:
            return clock() >= told

        for _ in range(5):
            await limiter.admit("try", subject=ANNA, address=OFFICE)
        assert await eventually(due)

        assert isinstance(await limiter.admit("try", subject=ANNA, address=HOME), Admitted)


async def test_keys_tell_nothing_and_end(limiter: RedisLimiter, redis_url: str) -> None:
    """No subject and no address is readable in what is stored, and each key has an end."""
    subject = "9f" * 32
    for rule in ("try", "login", "register"):
        await limiter.admit(rule, subject=subject, address=HOME)
        await limiter.admit(rule, subject=subject, address="2001:db8:1:2::3")
    await limiter.admit("token", subject=None, address=HOME)
    async with looking(redis_url) as client:
        stored = {key: await client.hgetall(key) for key in await client.keys()}
        ends = [await client.pttl(key) for key in stored]

    assert len(stored) == 3
    assert all(0 < end <= 3_601_000 for end in ends)
    for told in (subject, HOME, "2001:db8"):
        assert told not in str(stored)


async def test_what_is_over_is_removed(redis_url: str) -> None:
    """A subject that is tried from ever new networks keeps those of the last moments alone."""
    rules = {"try": Rule(account_and_network=Quota("t", 1000, 1))}
    async with redis_limiter(redis_url, key=KEY, rules=rules) as limiter:
        for number in range(200):
            await limiter.admit("try", subject=ANNA, address=f"203.0.113.{number}")

        async def small() -> bool:
            await limiter.admit("try", subject=ANNA, address=OFFICE)
            async with looking(redis_url) as client:
                (key,) = await client.keys()
                return await client.hlen(key) <= 2

        assert await eventually(small)


async def test_a_bucket_filled_by_another_clock_empties(
    limiter: RedisLimiter, redis_url: str
) -> None:
    """After the server's clock was set back an account is not shut for as long, and told truly."""
    await tries(limiter, ANNA, HOME, 1)
    async with looking(redis_url) as client:
        (key,) = await client.keys(f"{PREFIX}subject:*")
        in_ten_years = (await client.time())[0] * 10**6 + 10 * 365 * 86_400 * 10**6
        await client.hset(key, "try", str(in_ten_years))
        first = await limiter.admit("try", subject=ANNA, address=HOME)
        repaired = await client.hget(key, "try")
        await limiter.admit("try", subject=ANNA, address=HOME)
        kept = await client.hget(key, "try")

    assert isinstance(first, Refused)
    assert first.retry_after == 20
    assert int(repaired or 0) < in_ten_years
    assert kept == repaired


@pytest.mark.parametrize("damage", ["nan", "-1", "", "inf", "1e3", " 5", "0x10", "9" * 17, "x\n1"])
async def test_a_damaged_bucket_admits_nobody(
    limiter: RedisLimiter, redis_url: str, damage: str
) -> None:
    """A bucket that holds no time is no empty bucket; other accounts are not touched by it."""
    await tries(limiter, ANNA, HOME, 1)
    async with looking(redis_url) as client:
        (key,) = await client.keys(f"{PREFIX}subject:*")
        await client.hset(key, "try", damage)

    assert await limiter.admit("try", subject=ANNA, address=HOME) == LimiterDown()
    assert await tries(limiter, BERT, HOME, 1) == [True]


@pytest.mark.parametrize("kind", ["subject", "network"])
async def test_a_key_of_another_type_admits_nobody(
    limiter: RedisLimiter, redis_url: str, kind: str
) -> None:
    """A key that is no hash is never taken for an empty one, and nothing is half counted."""
    await tries(limiter, ANNA, HOME, 1)
    async with looking(redis_url) as client:
        (key,) = await client.keys(f"{PREFIX}{kind}:*")
        (other,) = set(await client.keys()) - {key}
        before = await client.hgetall(other)
        await client.set(key, "1")
        verdict = await limiter.admit("try", subject=ANNA, address=HOME)
        after = await client.hgetall(other)

    assert verdict == LimiterDown()
    assert after == before


async def test_a_subject_is_asked_for_where_accounts_are_counted(limiter: RedisLimiter) -> None:
    """To leave out whom an attempt is about is a mistake in our code, not a way past the limit."""
    with pytest.raises(ValueError, match="subject"):
        await limiter.admit("login", subject=None, address=HOME)
    with pytest.raises(KeyError):
        await limiter.admit("unknown", subject=ANNA, address=HOME)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
    ],
)
def test_networks(address: str, network: str) -> None:
    """What one client has at will is one network: a /64, or a single IPv4 address."""
    assert network_of(address) == network


@pytest.mark.parametrize(("limit", "seconds"), [(0, 60), (5, 0), (-1, 60)])
def test_a_quota_admits_something_in_some_time(limit: int, seconds: int) -> None:
    """A quota that could not be counted cannot be made."""
    with pytest.raises(ValueError, match="at least 1"):
        Quota("t", limit, seconds)
