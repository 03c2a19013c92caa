"""What an answer tells of the limits."""

import http_sf
import pytest

from api.rate_limit import rate_limit_fields
from commands.limits import RULES, Admitted, LimiterDown, Quota, Refused, Standing, too_many
from commands.outcomes import TooMany

ACCOUNT = Quota("login-account", 5, 60)
NETWORK = Quota("login-network", 100, 60)


def test_the_fields_of_an_attempt_that_was_admitted() -> None:
    """Each quota is told as a policy, and what is left of it with the time until there is more."""
    verdict = Admitted((Standing(ACCOUNT, 3, 12), Standing(NETWORK, 99, 1)))

    assert rate_limit_fields(verdict) == [
        (b"ratelimit-policy", b'"login-account";q=5;w=60, "login-network";q=100;w=60'),
        (b"ratelimit", b'"login-account";r=3;t=12, "login-network";r=99;t=1'),
    ]


def test_the_fields_of_a_refusal_name_no_later_time() -> None:
    """Beside Retry-After stand the times of those quotas alone that are used up."""
    verdict = Refused(12, (Standing(ACCOUNT, 0, 12), Standing(NETWORK, 7, 50)))

    assert rate_limit_fields(verdict)[1] == (
        b"ratelimit",
        b'"login-account";r=0;t=12, "login-network";r=7',
    )


def test_nothing_is_told_where_nobody_counts() -> None:
    """An answer without a count has no field, as an empty list cannot be sent."""
    assert rate_limit_fields(LimiterDown()) == []
    assert rate_limit_fields(Admitted(())) == []


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_can_be_told(name: str) -> None:
    """The names of the quotas differ, and pass through structured fields unharmed."""
    rule = RULES[name]
    quotas = [q for q in (rule.account, rule.account_and_network, rule.network) if q is not None]
    fields = dict(rate_limit_fields(Admitted(tuple(Standing(q, 0, 1) for q in quotas))))

    assert http_sf.parse(fields[b"ratelimit-policy"], tltype="list") == [
        (q.name, {"q": q.limit, "w": q.seconds}) for q in quotas
    ]
    assert len({q.name for q in quotas}) == len(quotas) > 0


def test_outcomes() -> None:
    """A refusal is a 429 with its true wait; no count is one too, with half a minute (Guide 2)."""
    assert too_many(Refused(12, ())) == TooMany("too_many_attempts", 12)
    assert too_many(LimiterDown()) == TooMany("rate_limiter_unavailable", 30)
