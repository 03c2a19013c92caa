"""The errors that only nginx answers, in front of the service: rows of the problem catalogue."""

from collections.abc import Mapping
from types import MappingProxyType

from api.problem_row import Problem

GATEWAY_PROBLEMS: Mapping[str, Problem] = MappingProxyType(
    {
        "too_many_at_once": Problem(
            429,
            "Too many requests at once",
            "This address has more requests under way than one client may have.",
            "Wait for some of them to end; Retry-After says when to try again.",
            "RFC 6585, section 4",
        ),
        "bad_gateway": Problem(
            502,
            "The service broke off",
            "The process that worked on the request went away, or none can be reached. Whether a "
            "write took place may be unknown.",
            "Try again, with the same Idempotency-Key or If-Match.",
            "Guide 7; RFC 9110, section 15.6.3",
        ),
        "gateway_timeout": Problem(
            504,
            "The service did not answer in time",
            "The process that works on the request has not answered. Whether a write took place "
            "may be unknown.",
            "Try again, with the same Idempotency-Key or If-Match.",
            "Guide 7; RFC 9110, section 15.6.5",
        ),
    }
)
