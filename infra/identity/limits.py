"""The limiter on Redis or Valkey: every attempt is one call of the script beside this file.

Only what goes into the script and what comes out of it lives here. What is kept, and for how long,
is in docs/adr/0012-attempt-limits.md.
"""

import hmac
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import msgspec
import structlog

from commands.limits import RULES, Admitted, LimiterDown, Quota, Refused, Rule, Standing
from infra.redis_calls import RedisCalls, RedisFaultError

SCRIPT = Path(__file__).with_name("limits.lua").read_text(encoding="utf-8")
PREFIX = "ledgerpress:attempts:"

_MICROSECONDS = 1_000_000
_NETWORK_BITS_V6 = 64
_DIGEST_LENGTH = 32

_log = structlog.stdlib.get_logger("ledgerpress.limits")


class _Bucket(msgspec.Struct, frozen=True):
    """Where the attempts of one quota are counted: a field of one of the script's keys."""

    quota: Quota
    key: int
    field: str


class RedisLimiter:
    """Counts attempts in Redis. Whatever keeps it from knowing the count is `LimiterDown`."""

    def __init__(self, calls: RedisCalls, *, key: bytes, rules: Mapping[str, Rule] = RULES) -> None:
        self._calls = calls
        self._key = key
        self._rules = rules
        self._longest = max(
            (_interval(quota) * quota.limit for rule in rules.values() for quota in _quotas(rule)),
            default=0,
        )
        self._down = False

    async def admit(
        self, rule: str, *, subject: str | None, address: str
    ) -> Admitted | Refused | LimiterDown:
        """Count one attempt against every quota of the rule, or against none."""
        keys, buckets = self._buckets(rule, subject, address)
        arguments: list[str | int] = [self._longest]
        for bucket in buckets:
            quota = bucket.quota
            arguments += (bucket.key, bucket.field, _interval(quota), quota.limit)
        try:
            # EVAL, not EVALSHA: after a flush or a restart that would take a second round trip.
            reply = await self._calls.call("EVAL", SCRIPT, len(keys), *keys, *arguments)
            verdict = _verdict(reply, [bucket.quota for bucket in buckets])
        except (RedisFaultError, ValueError) as error:
            self._note_down(error)
            return LimiterDown()
        self._note_up()
        return verdict

    async def forgive(self, rule: str, subject: str) -> None:
        """Forget the attempts counted for the account alone."""
        await self._without_fail("HDEL", self._subject_key(subject), rule)

    async def forget(self, subject: str) -> None:
        """Remove everything that is kept of a subject: all of it is in one key."""
        await self._without_fail("DEL", self._subject_key(subject))

    def _buckets(
        self, rule: str, subject: str | None, address: str
    ) -> tuple[list[str], list[_Bucket]]:
        quotas = self._rules[rule]
        network = self._digest("network", network_of(address))
        keys: list[str] = []
        buckets: list[_Bucket] = []
        if quotas.account or quotas.account_and_network:
            if subject is None:
                raise ValueError(f"attempts of {rule} are counted for a subject")
            keys.append(self._subject_key(subject))
            if quotas.account:
                buckets.append(_Bucket(quotas.account, 1, rule))
            if quotas.account_and_network:
                buckets.append(_Bucket(quotas.account_and_network, 1, f"{rule}:{network}"))
        if quotas.network:
            keys.append(f"{PREFIX}network:{network}")
            buckets.append(_Bucket(quotas.network, len(keys), rule))
        return keys, buckets

    def _subject_key(self, subject: str) -> str:
        return f"{PREFIX}subject:{self._digest('subject', subject)}"

    def _digest(self, kind: str, text: str) -> str:
        digest = hmac.digest(self._key, f"{kind} {text}".encode(), "sha256")
        return digest.hex()[:_DIGEST_LENGTH]

    async def _without_fail(self, *command: str) -> None:
        try:
            await self._calls.call(*command)
        except RedisFaultError as error:
            self._note_down(error)

    def _note_down(self, error: Exception) -> None:
        # Once for each outage: an attacker would otherwise write the log.
        if not self._down:
            self._down = True
            _log.warning("attempts cannot be counted and are refused", reason=str(error))

    def _note_up(self) -> None:
        if self._down:
            self._down = False
            _log.info("attempts are counted again")


@asynccontextmanager
async def redis_limiter(
    url: str, *, key: bytes, rules: Mapping[str, Rule] = RULES
) -> AsyncIterator[RedisLimiter]:
    """Give a limiter and close its connections at the end.

    Nothing is connected before the first attempt, so a Redis that is down keeps nobody from
    starting. The key is secret, of any length: all processes of a deployment have the same.
    """
    calls = RedisCalls(url)
    try:
        yield RedisLimiter(calls, key=key, rules=rules)
    finally:
        await calls.close()


def network_of(address: str) -> str:
    """Give what stands for all addresses that one client has at will.

    For IPv6 that is the /64 (RFC 6177, RFC 4291 section 2.5.4), for IPv4 the address itself, also
    where it is written as IPv6. Raises ValueError for what is no address.
    """
    parsed: IPv4Address | IPv6Address = ip_address(address)
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    prefix = int(parsed) >> _NETWORK_BITS_V6 << _NETWORK_BITS_V6
    return f"{IPv6Address(prefix)}/{_NETWORK_BITS_V6}"


def _quotas(rule: Rule) -> Iterator[Quota]:
    for quota in (rule.account, rule.account_and_network, rule.network):
        if quota is not None:
            yield quota


def _interval(quota: Quota) -> int:
    """Give the microseconds in which one attempt leaves its bucket, rounded up."""
    return -(-quota.seconds * _MICROSECONDS // quota.limit)


def _verdict(reply: object, quotas: Sequence[Quota]) -> Admitted | Refused:
    """Read the script's answer. Raises ValueError for what it cannot have given."""
    numbers = msgspec.convert(reply, type=list[int])
    if len(numbers) != 1 + 2 * len(quotas) or min(numbers) < 0:
        raise ValueError("the script's answer has another shape")
    wait, left, until_more = numbers[0], numbers[1::2], numbers[2::2]
    standings = tuple(
        Standing(quota, remaining, _seconds(more))
        for quota, remaining, more in zip(quotas, left, until_more, strict=True)
    )
    if any(standing.remaining > standing.quota.limit for standing in standings):
        raise ValueError("the script's answer leaves more than there is")
    return Refused(_seconds(wait), standings) if wait else Admitted(standings)


def _seconds(microseconds: int) -> int:
    return -(-microseconds // _MICROSECONDS)
