"""How often something may be tried: the rules as one table, and the port that counts attempts.

Only data and the port live here. To limit another endpoint, add its rule to `RULES`; to loosen or
tighten one, change its numbers. Why these, and how attempts are counted, is in
docs/adr/0012-attempt-limits.md.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from commands.outcomes import TooMany


class Quota(msgspec.Struct, frozen=True):
    """So many attempts at once, which come back one by one, all of them in so many seconds."""

    name: str
    """What clients see in `RateLimit-Policy`: lowercase ASCII words with hyphens."""
    limit: int
    seconds: int

    def __post_init__(self) -> None:
        """Refuse what could not be counted."""
        if self.limit < 1 or self.seconds < 1:
            raise ValueError(f"the quota {self.name} needs a limit and a time of at least 1")


class Rule(msgspec.Struct, frozen=True):
    """The quotas of one kind of attempt; an attempt needs room in each of them."""

    account: Quota | None = None
    """For whom it is about, from wherever it comes."""
    account_and_network: Quota | None = None
    """For whom it is about, from one network."""
    network: Quota | None = None
    """From one network, whomever it is about."""


_DOWN_RETRY_SECONDS = 30
"""Guide 2: what a client is told to wait while nobody can count."""

_MINUTE = 60
_HOUR = 60 * _MINUTE

RULES: Mapping[str, Rule] = {
    "login": Rule(
        account=Quota("login-account", 5, _MINUTE),
        # A success gives back the account's attempt alone, so this one also has to hold
        # the honest logins of a quarter of an hour.
        account_and_network=Quota("login-account-network", 50, 15 * _MINUTE),
        network=Quota("login-network", 100, _MINUTE),
    ),
    # Each of these two sends a mail to an address that somebody typed in.
    "register": Rule(
        account=Quota("register-account", 3, _HOUR),
        network=Quota("register-network", 60, _HOUR),
    ),
    "forgot_password": Rule(
        account=Quota("forgot-password-account", 3, _HOUR),
        network=Quota("forgot-password-network", 60, _HOUR),
    ),
    "token": Rule(network=Quota("token-network", 30, _MINUTE)),
    "refresh": Rule(network=Quota("refresh-network", 300, _MINUTE)),
    "password": Rule(account=Quota("password-account", 5, _MINUTE)),
    # There are but a million codes, and the password is known by then.
    "code": Rule(account=Quota("code-account", 10, _HOUR)),
}
"""What may be tried how often.

`token` is the presenting of a token that came by mail; `password` is a person who is logged in
and proves the password once more, `code` the second factor of somebody whose password was right;
the subject of both is the account's id.
"""


class Standing(msgspec.Struct, frozen=True):
    """What is left of a quota after an attempt."""

    quota: Quota
    remaining: int
    reset_seconds: int
    """Until one attempt more is left, rounded up; 0 where the quota is untouched."""


class Admitted(msgspec.Struct, frozen=True, tag=True):
    """The attempt may be made, and is counted."""

    standings: tuple[Standing, ...]


class Refused(msgspec.Struct, frozen=True, tag=True):
    """A quota is used up; nothing was counted in any."""

    retry_after: int
    """Whole seconds, rounded up, after which the same attempt is admitted if no other came first;
    any earlier second is too early."""
    standings: tuple[Standing, ...]


class LimiterDown(msgspec.Struct, frozen=True, tag=True):
    """Nobody knows how many attempts there were, so this one must not be made."""


def too_many(verdict: Refused | LimiterDown) -> TooMany:
    """Give the outcome of an attempt that must not be made."""
    if isinstance(verdict, LimiterDown):
        return TooMany("rate_limiter_unavailable", _DOWN_RETRY_SECONDS)
    return TooMany("too_many_attempts", verdict.retry_after)


class Limiter(Protocol):
    """Counts attempts, the same for every process."""

    async def admit(
        self, rule: str, *, subject: str | None, address: str
    ) -> Admitted | Refused | LimiterDown:
        """Count one attempt against every quota of the rule, or against none.

        The subject is the keyed hash of an email address or an account's id, and may be None for
        a rule without quotas for accounts; the address is the client's. Never raises for an outage
        and answers within 300 ms.
        """
        ...

    async def forgive(self, rule: str, subject: str) -> None:
        """Forget the attempts counted for the account alone: one of them was right.

        Those counted for a network stay. An outage changes nothing and is not told.
        """
        ...

    async def forget(self, subject: str) -> None:
        """Remove everything that is kept of a subject, under every rule and with every network.

        In an outage it stays, and goes by itself within the longest of the rules' times.
        """
        ...
