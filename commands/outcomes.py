"""Every way a command or a read can end, as one closed union of data.

`api/responses.py` gives each of these its row: status, headers, body. A new member here does not
type-check until it has one. Expected failures are never exceptions.
"""

from datetime import datetime

import msgspec

from domain.refusal import RejectedByState, RejectedByValue, UnderLegalHold


class Representation(msgspec.Struct, frozen=True):
    """A resource ready to be sent."""

    location: str
    body: bytes
    """JSON, UTF-8, exactly as it is stored in the read model."""
    tag: str
    """The entity tag's opaque part, without quotes: `<schema version>.<stream version>`."""
    modified: datetime


class Created(msgspec.Struct, frozen=True, tag=True):
    """201: a new resource exists."""

    resource: Representation


class Changed(msgspec.Struct, frozen=True, tag=True):
    """200: events were appended."""

    resource: Representation


class Unchanged(msgspec.Struct, frozen=True, tag=True):
    """200: it already was as asked; nothing was appended and the tag is kept."""

    resource: Representation


class SubmittedByForm(msgspec.Struct, frozen=True, tag=True):
    """303: a browser's form created it; the browser shall GET it, so that a reload is harmless."""

    resource: Representation


class Deleted(msgspec.Struct, frozen=True, tag=True):
    """204."""


class Replayed(msgspec.Struct, frozen=True, tag=True):
    """The first answer to this Idempotency-Key, given again."""

    status: int
    location: str | None
    tag: str | None
    modified: datetime | None
    body: bytes


class Accepted(msgspec.Struct, frozen=True, tag=True):
    """202: a job will do it; its state is at `status_location`."""

    status_location: str
    body: bytes
    applied: str | None = None
    """What of the client's preferences was honoured (RFC 7240)."""


class ResultReady(msgspec.Struct, frozen=True, tag=True):
    """303: a job is done; what it made is elsewhere, for a time."""

    location: str


class JobFailed(msgspec.Struct, frozen=True, tag=True):
    """500: a job was given up."""

    attempts: int
    reason: str
    """A code that anybody may see."""


class Gone(msgspec.Struct, frozen=True, tag=True):
    """410: it was there, and is kept no more."""

    error: str


class NotFound(msgspec.Struct, frozen=True, tag=True):
    """404: there is no such thing, or the caller may not know that there is."""

    error: str
    """Names the kind alone (`post_not_found`), so that hidden and missing look the same."""


class Moved(msgspec.Struct, frozen=True, tag=True):
    """301: it has another address for good."""

    location: str
    max_age: int
    """How long the redirect may be remembered, in seconds."""
    private: bool = False
    """Whether it is told by right of a token: then no shared cache may keep it."""


class Redirected(msgspec.Struct, frozen=True, tag=True):
    """301, 302, 303, 307 or 308: what was asked for is elsewhere, whoever asks."""

    status: int
    location: str
    max_age: int = 0
    """How long the redirect may be remembered, in seconds; 0 for not at all."""


class LinkFollowed(msgspec.Struct, frozen=True, tag=True):
    """302: the link leads to another place, for this once."""

    address: str


class NotModified(msgspec.Struct, frozen=True, tag=True):
    """304: the client's copy is current."""

    tag: str
    cache_control: str
    vary: str


class Found(msgspec.Struct, frozen=True, tag=True):
    """200: what was asked for."""

    body: bytes
    tag: str | None
    modified: datetime | None
    cache_control: str
    vary: str
    links: tuple[str, ...] = ()
    retry_after: int | None = None
    """In how many seconds it is worth asking again, for what is under way."""


class Done(msgspec.Struct, frozen=True, tag=True):
    """204: it is as asked, and there is nothing to show."""


class MailFollows(msgspec.Struct, frozen=True, tag=True):
    """202: whoever has the address gets a message. It is the same whether or not anybody does."""


class TokensIssued(msgspec.Struct, frozen=True, tag=True):
    """200: tokens, which nobody may store on the way (RFC 6749, section 5.1)."""

    body: bytes

    def __repr__(self) -> str:
        """Show nothing, as what is shown may be logged."""
        return "TokensIssued(***)"


class CredentialsRefused(msgspec.Struct, frozen=True, tag=True):
    """401: what should prove who asks does not, for a reason that is not said."""

    error: str


class Erased(msgspec.Struct, frozen=True, tag=True):
    """410: it existed and was erased for good."""


class Forbidden(msgspec.Struct, frozen=True, tag=True):
    """403: the caller may see it and may not do this to it."""

    detail: str
    error: str = "forbidden"


class Unauthenticated(msgspec.Struct, frozen=True, tag=True):
    """401: no valid access token came with the request."""

    detail: str
    token_given: bool = False
    """Whether there was one, which was not valid."""


class PreconditionMissing(msgspec.Struct, frozen=True, tag=True):
    """428: the request must say which version it changes (RFC 6585, section 3)."""


class StaleVersion(msgspec.Struct, frozen=True, tag=True):
    """412: the precondition does not hold for the current version."""

    tag: str
    """The current tag."""
    changes_location: str
    """Where the events since the client's version can be read."""


class ConditionFailed(msgspec.Struct, frozen=True, tag=True):
    """412: the precondition names a version, and the resource has none that could be named."""


class Malformed(msgspec.Struct, frozen=True, tag=True):
    """400: not well formed. `member` names what is wrong where one thing is."""

    error: str
    detail: str
    member: str | None = None


class BodyTooLarge(msgspec.Struct, frozen=True, tag=True):
    """413."""

    max_bytes: int
    error: str = "body_too_large"


class UnsupportedMediaType(msgspec.Struct, frozen=True, tag=True):
    """415: the body's type or coding is not one that this resource takes."""

    detail: str
    accepts: tuple[str, ...]
    """The media types that it takes, for `Accept-Post` or `Accept-Patch`."""
    method: str
    coding: bool = False
    """Whether the content coding is at fault: then `Accept-Encoding` is sent instead."""


class FileTypeRefused(msgspec.Struct, frozen=True, tag=True):
    """415: an uploaded file is of no type that is taken, or not of the one it is said to be."""

    error: str
    detail: str
    allowed: tuple[str, ...]


class InsufficientStorage(msgspec.Struct, frozen=True, tag=True):
    """507: there is no room for it (RFC 4918, section 11.5)."""

    error: str
    detail: str


class NotAcceptable(msgspec.Struct, frozen=True, tag=True):
    """406, with the list of what there is."""

    available: tuple[str, ...]


class RangeNotSatisfiable(msgspec.Struct, frozen=True, tag=True):
    """416: nothing of what was asked for is there, or it is no set of ranges."""

    size: int
    """How many bytes there are."""


class KeyInFlight(msgspec.Struct, frozen=True, tag=True):
    """409: the first request with this Idempotency-Key has not ended yet."""


class KeyReused(msgspec.Struct, frozen=True, tag=True):
    """422: this Idempotency-Key came before with another request."""


class TooMany(msgspec.Struct, frozen=True, tag=True):
    """429: a limit is reached; `retry_after` is the true wait in whole seconds, rounded up."""

    error: str
    retry_after: int


class Unavailable(msgspec.Struct, frozen=True, tag=True):
    """503: something this needs is down, or we are draining, full or in maintenance."""

    error: str
    detail: str
    retry_after: int


class Contended(msgspec.Struct, frozen=True, tag=True):
    """503: others changed the same thing each time we tried."""


Outcome = (
    Created
    | Changed
    | Unchanged
    | SubmittedByForm
    | Deleted
    | Replayed
    | Accepted
    | ResultReady
    | JobFailed
    | Gone
    | Found
    | NotModified
    | Moved
    | LinkFollowed
    | Redirected
    | NotFound
    | Done
    | MailFollows
    | TokensIssued
    | CredentialsRefused
    | Erased
    | Forbidden
    | Unauthenticated
    | PreconditionMissing
    | StaleVersion
    | ConditionFailed
    | RejectedByState
    | RejectedByValue
    | UnderLegalHold
    | Malformed
    | BodyTooLarge
    | UnsupportedMediaType
    | FileTypeRefused
    | InsufficientStorage
    | NotAcceptable
    | RangeNotSatisfiable
    | KeyInFlight
    | KeyReused
    | TooMany
    | Unavailable
    | Contended
)
