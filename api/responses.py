"""The one table from outcomes to answers: status, header fields, body.

A new outcome does not type-check until it has a row here. OpenAPI and the problem pages are made of
the same statuses and errors.
"""

from typing import assert_never

from api.answer import JSON, NO_STORE, Answer, Field
from api.conditional import parse_conditions
from api.etag import quote, version_in
from api.exchange import Exchange
from api.negotiation import prefers_minimal
from api.problem_catalogue import CATALOGUE
from api.problems import MEDIA_TYPE, problem_bytes
from api.times import http_date
from commands.outcomes import (
    Accepted,
    BodyTooLarge,
    Changed,
    ConditionFailed,
    Contended,
    Created,
    CredentialsRefused,
    Deleted,
    Done,
    Erased,
    FileTypeRefused,
    Forbidden,
    Found,
    Gone,
    InsufficientStorage,
    JobFailed,
    KeyInFlight,
    KeyReused,
    LinkFollowed,
    MailFollows,
    Malformed,
    Moved,
    NotAcceptable,
    NotFound,
    NotModified,
    Outcome,
    PreconditionMissing,
    RangeNotSatisfiable,
    Redirected,
    Replayed,
    Representation,
    ResultReady,
    StaleVersion,
    SubmittedByForm,
    TokensIssued,
    TooMany,
    Unauthenticated,
    Unavailable,
    Unchanged,
    UnsupportedMediaType,
)
from commands.preconditions import Tags
from domain.refusal import RejectedByState, RejectedByValue, UnderLegalHold

PRIVATE = "private, no-cache"
"""For what a token lets one see: only the client's own cache keeps it, and asks each time."""
VARY = "Accept, Authorization"
"""What an answer varies by that is not the same for everybody."""
UNSEEN_BY_CACHES = ("no-store", VARY)
"""For what changes all the time, or is nobody's business but the caller's."""

_PROBLEM = (b"content-type", MEDIA_TYPE.encode())
_BEARER = b'Bearer realm="api"'
_MAIL_FOLLOWS = b'{"message":"If the address can be used, a message is on its way to it."}'


def respond(  # noqa: C901, PLR0911, PLR0912 - the table: a row for each outcome
    outcome: Outcome, exchange: Exchange
) -> Answer:
    """Turn an outcome into the answer to a request."""
    exchange.outcome = type(outcome)
    match outcome:
        case Found():
            return _found(outcome)
        case NotModified():
            return Answer(
                304,
                [
                    _etag(outcome.tag),
                    (b"cache-control", outcome.cache_control.encode()),
                    (b"vary", outcome.vary.encode()),
                ],
            )
        case Changed(resource) | Unchanged(resource):
            return _changed(resource, exchange)
        case Created(resource):
            return Answer(
                201,
                [_location(resource.location), *_representation(resource)],
                resource.body,
            )
        case SubmittedByForm(resource):
            return Answer(303, [_location(resource.location), NO_STORE])
        case Deleted() | Done():
            return Answer(204, [])
        case TokensIssued():
            return Answer(200, [JSON, NO_STORE], outcome.body)
        case MailFollows():
            return Answer(202, [JSON, NO_STORE], _MAIL_FOLLOWS)
        case Replayed():
            return _replayed(outcome)
        case Accepted():
            fields = [_location(outcome.status_location), JSON, NO_STORE]
            if outcome.applied is not None:
                fields.append((b"preference-applied", outcome.applied.encode()))
            return Answer(202, fields, outcome.body)
        case ResultReady():
            return Answer(303, [_location(outcome.location), NO_STORE])
        case JobFailed():
            return problem(exchange, "job_failed", attempts=outcome.attempts, reason=outcome.reason)
        case Gone():
            return problem(exchange, outcome.error)
        case Moved():
            return _moved(outcome)
        case Redirected():
            return _redirected(outcome)
        case LinkFollowed():
            return Answer(302, [_location(outcome.address), NO_STORE])
        case Malformed():
            return problem(exchange, outcome.error, outcome.detail, member=outcome.member)
        case Unauthenticated():
            return _unauthenticated(outcome, exchange)
        case Forbidden():
            return problem(exchange, outcome.error, outcome.detail)
        case CredentialsRefused():
            return problem(exchange, outcome.error, fields=[(b"www-authenticate", _BEARER)])
        case NotFound():
            return problem(exchange, outcome.error)
        case FileTypeRefused():
            return problem(exchange, outcome.error, outcome.detail, allowed=outcome.allowed)
        case InsufficientStorage():
            return problem(exchange, outcome.error, outcome.detail)
        case NotAcceptable():
            return problem(exchange, "not_acceptable", available=outcome.available)
        case RangeNotSatisfiable():
            fields = [(b"content-range", b"bytes */%d" % outcome.size)]
            return problem(exchange, "range_not_satisfiable", fields=fields, size=outcome.size)
        case RejectedByState():
            return problem(
                exchange, outcome.error, outcome.detail, collidesWith=outcome.collides_with
            )
        case KeyInFlight():
            return problem(exchange, "idempotency_key_in_flight", retry_after=1)
        case Erased():
            return problem(exchange, "gone")
        case StaleVersion():
            return _stale(outcome, exchange)
        case ConditionFailed():
            return problem(exchange, "condition_failed")
        case BodyTooLarge():
            return problem(exchange, outcome.error, maxBytes=outcome.max_bytes)
        case UnsupportedMediaType():
            return _unsupported(outcome, exchange)
        case RejectedByValue():
            return problem(exchange, outcome.error, outcome.detail, member=outcome.member)
        case KeyReused():
            return problem(exchange, "idempotency_key_reused")
        case PreconditionMissing():
            return problem(exchange, "precondition_required")
        case TooMany():
            return problem(exchange, outcome.error, retry_after=outcome.retry_after)
        case UnderLegalHold():
            link = (b"link", f'<{outcome.blocked_by}>; rel="blocked-by"'.encode("latin-1"))
            return problem(exchange, "legal_hold", fields=[link])
        case Unavailable():
            return problem(exchange, outcome.error, outcome.detail, retry_after=outcome.retry_after)
        case Contended():
            return problem(exchange, "contended", retry_after=1)
        case _:
            assert_never(outcome)


def crashed(exchange: Exchange) -> Answer:
    """Answer 500 with nothing of the inside; the log has all of it under the request id."""
    return problem(exchange, "internal_error")


def _found(found: Found) -> Answer:
    fields = [
        JSON,
        (b"cache-control", found.cache_control.encode()),
        (b"vary", found.vary.encode()),
    ]
    if found.tag is not None:
        fields.append(_etag(found.tag))
    if found.modified is not None:
        fields.append((b"last-modified", http_date(found.modified).encode()))
    if found.links:
        fields.append((b"link", ", ".join(found.links).encode("latin-1")))
    if found.retry_after is not None:
        fields.append((b"retry-after", b"%d" % found.retry_after))
    return Answer(200, fields, found.body)


def _changed(resource: Representation, exchange: Exchange) -> Answer:
    if prefers_minimal(exchange.headers):
        return Answer(204, [_etag(resource.tag), (b"preference-applied", b"return=minimal")])
    return Answer(200, _representation(resource), resource.body)


def _moved(moved: Moved) -> Answer:
    scope = b"private" if moved.private else b"public"
    fields: list[Field] = [
        _location(moved.location),
        (b"cache-control", b"%b, max-age=%d" % (scope, moved.max_age)),
    ]
    if moved.private:
        fields.append((b"vary", b"Authorization"))
    return Answer(301, fields)


def _redirected(redirected: Redirected) -> Answer:
    kept = (b"cache-control", b"public, max-age=%d" % redirected.max_age)
    keep = kept if redirected.max_age else NO_STORE
    return Answer(redirected.status, [_location(redirected.location), keep])


def _replayed(first: Replayed) -> Answer:
    keep = NO_STORE if first.tag is None else (b"cache-control", PRIVATE.encode())
    fields: list[Field] = [keep]
    if first.location is not None:
        fields.append(_location(first.location))
    if first.tag is not None:
        fields.append(_etag(first.tag))
    if first.modified is not None:
        fields.append((b"last-modified", http_date(first.modified).encode()))
    if first.body:
        fields.append(JSON)
    return Answer(first.status, fields, first.body)


def _stale(stale: StaleVersion, exchange: Exchange) -> Answer:
    known = _version_of_client(exchange, stale.tag)
    changes = stale.changes_location if known is None else f"{stale.changes_location}?after={known}"
    link = (b"link", f'<{changes}>; rel="version-history"'.encode())
    return problem(
        exchange, "stale_version", fields=[_etag(stale.tag), link], currentTag=quote(stale.tag)
    )


def _version_of_client(exchange: Exchange, current: str) -> int | None:
    """Give the version that If-Match names, the oldest of several; None where it names none.

    Only a tag of the same read model as the current one has a version to name.
    """
    conditions = parse_conditions(exchange.headers)
    if isinstance(conditions, Malformed) or not isinstance(conditions.if_match, Tags):
        return None
    tags = conditions.if_match.strong | conditions.if_match.weak
    schema = current.partition(".")[0]
    versions = [version_in(tag, int(schema)) for tag in tags] if schema.isdecimal() else []
    return min((version for version in versions if version is not None), default=None)


def _unauthenticated(outcome: Unauthenticated, exchange: Exchange) -> Answer:
    if outcome.token_given:
        challenge = (b"www-authenticate", _BEARER + b', error="invalid_token"')
        return problem(exchange, "invalid_token", outcome.detail, fields=[challenge])
    return problem(
        exchange, "unauthenticated", outcome.detail, fields=[(b"www-authenticate", _BEARER)]
    )


def _unsupported(outcome: UnsupportedMediaType, exchange: Exchange) -> Answer:
    if outcome.coding:
        return problem(
            exchange,
            "unsupported_coding",
            outcome.detail,
            fields=[(b"accept-encoding", b"identity")],
        )
    name = b"accept-patch" if outcome.method == "PATCH" else b"accept-post"
    return problem(
        exchange,
        "unsupported_media_type",
        outcome.detail,
        fields=[(name, ", ".join(outcome.accepts).encode())],
        accepts=outcome.accepts,
    )


def problem(
    exchange: Exchange,
    error: str,
    detail: str | None = None,
    *,
    fields: list[Field] | None = None,
    retry_after: int | None = None,
    **extra: object,
) -> Answer:
    """Answer with an error of the catalogue. Problems are never stored by caches."""
    exchange.error = error
    body = problem_bytes(
        error,
        detail=detail,
        instance=exchange.path,
        request_id=exchange.request_id,
        base_url=exchange.services.public_url,
        **extra,
    )
    sent = [_PROBLEM, NO_STORE, *(fields or ())]
    if retry_after is not None:
        sent.append((b"retry-after", b"%d" % retry_after))
    return Answer(CATALOGUE[error].status, sent, body)


def _representation(resource: Representation) -> list[Field]:
    return [
        JSON,
        _etag(resource.tag),
        (b"last-modified", http_date(resource.modified).encode()),
        (b"cache-control", PRIVATE.encode()),
    ]


def _etag(tag: str) -> Field:
    return b"etag", quote(tag).encode()


def _location(path: str) -> Field:
    return b"location", path.encode()
