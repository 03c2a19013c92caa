"""Holds what the OpenAPI document says of outcomes against the table that answers them."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from api.exchange import Exchange
from api.file_answer import ShownBlob
from api.openapi_headers import FIELDS
from api.openapi_responses import FIELDS_OF_ERRORS, OUTCOMES
from api.responses import respond
from commands.outcomes import (
    Accepted,
    Changed,
    Contended,
    Created,
    CredentialsRefused,
    Deleted,
    Done,
    Found,
    KeyInFlight,
    LinkFollowed,
    MailFollows,
    Moved,
    NotModified,
    Outcome,
    RangeNotSatisfiable,
    Representation,
    ResultReady,
    StaleVersion,
    SubmittedByForm,
    TokensIssued,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from domain.refusal import UnderLegalHold

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
RESOURCE = Representation("/posts/1", b"{}", "1.1", AT)
OF_EVERY_ANSWER = {"content-type", "content-length"}

SUCCESSES: list[tuple[Outcome, int]] = [
    (Created(RESOURCE), 201),
    (Changed(RESOURCE), 200),
    (Changed(RESOURCE), 204),
    (Deleted(), 204),
    (SubmittedByForm(RESOURCE), 303),
    (Moved("/posts/1", 60), 301),
    (LinkFollowed("https://ok.example/"), 302),
    (Done(), 204),
    (MailFollows(), 202),
    (Accepted("/projections/search/rebuilds/1", b"{}"), 202),
    (ResultReady("/exports/1/download"), 303),
    (TokensIssued(b"{}"), 200),
    (NotModified("1.1", "private", "Accept"), 304),
]
ERRORS: list[tuple[Outcome, str]] = [
    (Unauthenticated("No."), "unauthenticated"),
    (Unauthenticated("No.", token_given=True), "invalid_token"),
    (CredentialsRefused("invalid_credentials"), "invalid_credentials"),
    (CredentialsRefused("invalid_refresh_token"), "invalid_refresh_token"),
    (CredentialsRefused("second_factor_required"), "second_factor_required"),
    (CredentialsRefused("invalid_code"), "invalid_code"),
    (TooMany("too_many_attempts", 1), "too_many_attempts"),
    (TooMany("rate_limiter_unavailable", 30), "rate_limiter_unavailable"),
    (StaleVersion("1.1", "/posts/1/versions"), "stale_version"),
    (UnderLegalHold("https://authority.example"), "legal_hold"),
    (KeyInFlight(), "idempotency_key_in_flight"),
    (RangeNotSatisfiable(5), "range_not_satisfiable"),
    (Contended(), "contended"),
    (Unavailable("service_degraded", "No.", 1), "service_degraded"),
    (UnsupportedMediaType("No.", (), "POST", coding=True), "unsupported_coding"),
]


def names_of(outcome: Outcome, *headers: tuple[bytes, bytes]) -> tuple[int, set[str]]:
    """Answer, and tell the status and the names of the fields."""
    services: Any = SimpleNamespace(public_url="http://api.example")
    receive: Any = None
    scope: Any = {"path": "/posts", "raw_path": b"/posts", "headers": headers}
    answer = respond(outcome, Exchange(scope, receive, services, "id"))
    return answer.status, {name.decode() for name, _ in answer.fields} - OF_EVERY_ANSWER


@pytest.mark.parametrize(("outcome", "status"), SUCCESSES)
def test_outcomes_are_described(outcome: Outcome, status: int) -> None:
    """The status of an outcome and exactly its fields stand in its row."""
    row = next(row for row in OUTCOMES[type(outcome)] if row.status == status)
    minimal = status == 204 and isinstance(outcome, Changed)
    sent = names_of(outcome, *([(b"prefer", b"return=minimal")] if minimal else []))

    assert sent == (status, {name.lower() for name in row.fields})


def test_what_was_found_is_described() -> None:
    """Of the fields of a read, those that all reads have stand in its row."""
    row = OUTCOMES[Found][0]
    status, names = names_of(Found(b"{}", None, None, "private", "Accept"))

    assert status == row.status
    assert {name.lower() for name in row.fields} <= names


def test_every_row_is_compared() -> None:
    """No outcome is described without a test; downloads are compared by the tests' client."""
    compared = {type(outcome) for outcome, _ in SUCCESSES} | {Found, ShownBlob}

    assert OUTCOMES.keys() == compared


@pytest.mark.parametrize(("outcome", "error"), ERRORS)
def test_fields_of_errors_are_described(outcome: Outcome, error: str) -> None:
    """An error sends the fields that are described, and never without no-store."""
    _, names = names_of(outcome)

    assert names == {"cache-control", *(name.lower() for name in FIELDS_OF_ERRORS[error])}


@pytest.mark.parametrize(("method", "name"), [("POST", "Accept-Post"), ("PATCH", "Accept-Patch")])
def test_the_field_of_an_unsupported_type_fits_the_method(method: str, name: str) -> None:
    """Of the two fields that are described the one of the method is sent."""
    _, names = names_of(UnsupportedMediaType("No.", ("application/json",), method))

    assert names == {"cache-control", name.lower()}
    assert name in FIELDS_OF_ERRORS["unsupported_media_type"]


def test_every_field_is_explained() -> None:
    """Each field that some row names has its sentence."""
    named = {field for rows in OUTCOMES.values() for row in rows for field in row.fields}
    named |= {field for fields in FIELDS_OF_ERRORS.values() for field in fields}

    assert named <= FIELDS.keys()
