"""What the OpenAPI document needs to know of one operation, and the parameters that many share.

The operations themselves are in `operations.py`, those of accounts in `account_operations.py`.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Annotated, Any

from msgspec import Meta, Struct

from api import query


class Access(Enum):
    """Whether an operation wants an access token."""

    NO_TOKEN = auto()
    """It looks at none."""
    OPTIONAL = auto()
    """More is shown with one."""
    REQUIRED = auto()


class Parameter(Struct, frozen=True):
    """A parameter of path or query, or a header field that the operation understands."""

    name: str
    schema: Any
    description: str
    required: bool = False
    """Parameters of the path always are."""


class Returns(Struct, frozen=True):
    """An outcome that is not an error, with its bodies by media type."""

    outcome: type
    bodies: Mapping[str, Any] = {}
    fields: tuple[str, ...] = ()
    """Header fields that it always has here, beyond those that the outcome always has."""
    sometimes: tuple[str, ...] = ()
    """Header fields that it has here now and then."""
    without: tuple[str, ...] = ()
    """Header fields that the outcome always has, but not here."""


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one path."""

    id: str
    group: str
    returns: tuple[Returns, ...]
    access: Access = Access.REQUIRED
    who: str | None = None
    """Who may do it, in words; None for anyone."""
    query: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    body: type | None = None
    needs_body: bool = True
    """Whether a request without its body is refused."""
    form: type | None = None
    """The body as `application/x-www-form-urlencoded`, where that is taken too."""
    errors: tuple[str, ...] = ()
    """Beyond those that follow from the rest."""


_TAGS = Annotated[str, Meta(examples=['"1.7"'])]
IF_MATCH = Parameter("If-Match", _TAGS, "Change it only if this is its version: an ETag.")
MUST_MATCH = Parameter("If-Match", _TAGS, "The version to change: an ETag.", required=True)
IF_NONE_MATCH = Parameter("If-None-Match", _TAGS, "Answer 304 if this is the version: an ETag.")
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    Annotated[str, Meta(min_length=1, max_length=255)],
    "A key of the client's own: a repeat with it gets the first answer, for 24 hours.",
)
CONDITIONS = frozenset({IF_MATCH.name, IF_NONE_MATCH.name})
PREFER = Parameter("Prefer", str, "`return=minimal` for an answer without a body.")
LIMIT = Parameter(
    "limit",
    Annotated[int, Meta(ge=1, le=query.MAX_LIMIT)],
    f"How many items a page may have; {query.DEFAULT_LIMIT} where it is not said.",
)
CURSOR = Parameter("cursor", str, "Where the page begins, from `nextCursor` or a link.")
READS = ("bad_parameter", "not_acceptable")
"""The errors of nearly every read."""
