"""The script against a model of it, at times of the test's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands.limits import Admitted, LimiterDown, Quota, Refused, Rule
from infra.identity import limits
from infra.identity.limits import RedisLimiter
from infra.redis_calls import RedisCalls

SUBJECTS = ("a" * 64, "b" * 64)
ADDRESSES = ("203.0.113.7", "2001:db8::1")
START = 1_800_000_000 * 10**6
SECOND = 10**6

# The script itself, but that it is told the time.
TOLD_THE_TIME = """
local real = redis
local redis = {call = function(name, ...)
  if name == 'TIME' then
    return {'%d', '%d'}
  end
  return real.call(name, ...)
end}
"""

QUOTAS = st.builds(Quota, st.just("t"), st.integers(1, 7), st.integers(1, 100))
RULES = st.builds(
    Rule,
    account=st.none() | QUOTAS,
    account_and_network=st.none() | QUOTAS,
    network=st.none() | QUOTAS,
)
# A pause of None is as long as the last wait, or a microsecond less.
STEPS = st.tuples(
    st.sampled_from(SUBJECTS),
    st.sampled_from(ADDRESSES),
    st.none() | st.integers(0, 3 * SECOND) | st.integers(0, 200 * SECOND),
    st.booleans(),
)


class Model:
    """Buckets that are told in exact microseconds."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.empty_at: dict[object, int] = {}

    def attempt(self, subject: str, address: str, now: int) -> tuple[int, list[int]]:
        """Give how long to wait, 0 when admitted, and what is left of each quota."""
        buckets = [
            (key, quota, -(-quota.seconds * SECOND // quota.limit))
            for key, quota in (
                (("account", subject), self.rule.account),
                (("both", subject, address), self.rule.account_and_network),
                (("network", address), self.rule.network),
            )
            if quota is not None
        ]
        full = [max(self.empty_at.get(key, 0), now) for key, _, _ in buckets]
        wait = max(
            (
                at + interval * (1 - quota.limit) - now
                for at, (_, quota, interval) in zip(full, buckets, strict=True)
            ),
            default=0,
        )
        wait = max(wait, 0)
        if wait == 0:
            full = [at + interval for at, (_, _, interval) in zip(full, buckets, strict=True)]
            for at, (key, _, _) in zip(full, buckets, strict=True):
                self.empty_at[key] = at
        left = [
            quota.limit - ceil((at - now) / interval)
            for at, (_, quota, interval) in zip(full, buckets, strict=True)
        ]
        return wait, left


@asynccontextmanager
async def empty_limiter(url: str, rule: Rule) -> AsyncIterator[RedisLimiter]:
    """Count by one rule, beginning with nothing."""
    calls = RedisCalls(url)
    try:
        await calls.call("FLUSHALL")
        yield RedisLimiter(calls, key=bytes(32), rules={"try": rule})
    finally:
        await calls.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rule=RULES, steps=st.lists(STEPS, max_size=25))
async def test_the_script_does_as_the_model(
    redis_url: str, rule: Rule, steps: list[tuple[str, str, int | None, bool]]
) -> None:
    """Whoever tries when, the verdict, the wait and what is left are those of the model."""
    model, now, told = Model(rule), START, 0
    with pytest.MonkeyPatch.context() as patch:
        script = limits.SCRIPT
        async with empty_limiter(redis_url, rule) as limiter:
            for subject, address, pause, too_early in steps:
                now += max(told - too_early, 0) if pause is None else pause
                patch.setattr(limits, "SCRIPT", TOLD_THE_TIME % divmod(now, SECOND) + script)
                verdict = await limiter.admit("try", subject=subject, address=address)
                told, left = model.attempt(subject, address, now)

                assert isinstance(verdict, Refused if told else Admitted)
                assert not isinstance(verdict, Refused) or verdict.retry_after == ceil(
                    told / SECOND
                )
                assert [standing.remaining for standing in verdict.standings] == left


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(quota=QUOTAS)
async def test_the_wait_is_exact(redis_url: str, quota: Quota) -> None:
    """An attempt is refused a microsecond before its quota has room, and admitted when it has."""
    interval = -(-quota.seconds * SECOND // quota.limit)
    with pytest.MonkeyPatch.context() as patch:
        script = limits.SCRIPT
        async with empty_limiter(redis_url, Rule(account=quota)) as limiter:

            async def attempt(now: int) -> Admitted | Refused | LimiterDown:
                patch.setattr(limits, "SCRIPT", TOLD_THE_TIME % divmod(now, SECOND) + script)
                return await limiter.admit("try", subject=SUBJECTS[0], address=ADDRESSES[0])

            burst = [await attempt(START) for _ in range(quota.limit)]
            refused = await attempt(START)
            early = await attempt(START + interval - 1)
            due = await attempt(START + interval)
            again = await attempt(START + interval)

    assert all(isinstance(verdict, Admitted) for verdict in burst)
    assert isinstance(refused, Refused)
    assert refused.retry_after == ceil(interval / SECOND)
    assert isinstance(early, Refused)
    assert early.retry_after == 1
    assert isinstance(due, Admitted)
    assert isinstance(again, Refused)
