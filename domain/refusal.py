"""Why a decider says no: data that any caller can branch on.

Only the two kinds live here. The stable `error` codes are written where the rule is, next to the
decision, and each has a row in the problem catalogue of the API (a test compares the two).
"""

import msgspec


class RejectedByState(msgspec.Struct, frozen=True, tag=True):
    """The request collides with the present state; it could succeed in another one (409)."""

    error: str
    detail: str
    collides_with: str
    """What stands in the way: a status, a slug, a version."""


class RejectedByValue(msgspec.Struct, frozen=True, tag=True):
    """The request is well formed and a rule refuses what it asks for (422)."""

    error: str
    detail: str
    member: str
    """The member of the request at fault, as the client spells it."""


class UnderLegalHold(msgspec.Struct, frozen=True, tag=True):
    """A legal demand blocks the post (451, RFC 7725)."""

    blocked_by: str
    """URI of whoever implements the block, for `Link; rel="blocked-by"`."""


Refusal = RejectedByState | RejectedByValue | UnderLegalHold
