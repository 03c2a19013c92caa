"""What a client is told of the limits: the RateLimit fields.

The fields are those of the IETF's draft-ietf-httpapi-ratelimit-headers-10, as structured fields.
"""

import http_sf
from http_sf.types import ListType, ParamsType

from api.answer import Field
from commands.limits import Admitted, LimiterDown, Refused


def rate_limit_fields(verdict: Admitted | Refused | LimiterDown) -> list[Field]:
    """Give the fields for the answer to an attempt, whatever its status; none where nobody counts.

    `q` attempts in `w` seconds are the quota, `r` of them are left, and one more is there in `t`
    seconds.
    """
    if isinstance(verdict, LimiterDown) or not verdict.standings:
        return []
    policies: ListType = []
    limits: ListType = []
    for standing in verdict.standings:
        quota = standing.quota
        whole: ParamsType = {"q": quota.limit, "w": quota.seconds}
        policies.append((quota.name, whole))
        left: ParamsType = {"r": standing.remaining}
        # Beside Retry-After no later time should stand (the draft's "Server Behavior"), and that
        # of a quota which did not refuse may well be later.
        if isinstance(verdict, Admitted) or standing.remaining == 0:
            left["t"] = standing.reset_seconds
        limits.append((quota.name, left))
    return [
        (b"ratelimit-policy", http_sf.ser(policies).encode("ascii")),
        (b"ratelimit", http_sf.ser(limits).encode("ascii")),
    ]
