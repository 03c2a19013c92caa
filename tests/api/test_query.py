"""Specifies how parameters and ids are read."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.query import parse_integer, parse_limit, parse_moment, parse_query, parse_uuid
from commands.outcomes import Malformed

KNOWN = frozenset({"limit", "cursor", "status"})
ID = UUID("0190b8a5-7c1e-7d3a-9f10-5e2b6c7d8e9f")


def test_known_parameters_are_read() -> None:
    """Each parameter comes once, in any order."""
    assert parse_query(b"", KNOWN) == {}
    assert parse_query(b"status=draft&limit=5", KNOWN) == {"status": "draft", "limit": "5"}


@pytest.mark.parametrize(
    ("raw", "member"),
    [
        (b"offset=1", "offset"),
        (b"Limit=5", "Limit"),
        (b"limit=1&limit=1", "limit"),
        (b"limit[]=1", "limit[]"),
        (b"limit=%zz", "limit"),
        (b"limit=%ff", "limit"),
        (b"status=a%00", "status"),
        (b"%ff=1", None),
        (b"=1", ""),
        (b"&".join(b"p%d=1" % n for n in range(33)), None),
        (b"x" * 5_000, "x" * 100),
    ],
)
def test_other_query_strings_are_refused(raw: bytes, member: str | None) -> None:
    """Unknown, repeated and malformed parameters are named."""
    refused = parse_query(raw, KNOWN)

    assert isinstance(refused, Malformed)
    assert (refused.error, refused.member) == ("bad_parameter", member)
    assert len(refused.detail) < 300


@pytest.mark.parametrize(("text", "limit"), [(None, 50), ("1", 1), ("100", 100)])
def test_a_limit_is_read(text: str | None, limit: int) -> None:
    """A page holds 50 items unless 1 to 100 are asked for."""
    assert parse_limit(text) == limit


BAD_INTEGERS = ["", "0", "101", "-1", "+5", " 5", "5 ", "05", "1_0", "1.0", "1e1", "0x5", "5\n"]


@pytest.mark.parametrize(
    "text", [*BAD_INTEGERS, "\N{ARABIC-INDIC DIGIT FIVE}", "²", "five", "9" * 5_000]
)
def test_other_limits_are_refused(text: str) -> None:
    """A number has one spelling and stays in its bounds."""
    refused = parse_limit(text)

    assert isinstance(refused, Malformed)
    assert (refused.error, refused.member) == ("bad_parameter", "limit")


@given(st.integers(0, 2**63 - 1))
def test_any_position_is_read(value: int) -> None:
    """Integers up to 64 bits are understood."""
    assert parse_integer("after", str(value), least=0, most=2**63 - 1) == value


def test_a_moment_is_read() -> None:
    """A time with its offset is given in UTC."""
    assert parse_moment("asOf", "2026-11-23T05:09:49+02:00") == datetime(
        2026, 11, 23, 3, 9, 49, tzinfo=UTC
    )


def test_a_plus_sign_that_became_a_space_is_explained() -> None:
    """The commonest mistake in writing a time into an address has its own hint."""
    refused = parse_moment("asOf", "2026-11-23T05:09:49 02:00")

    assert isinstance(refused, Malformed)
    assert (refused.error, refused.member) == ("bad_parameter", "asOf")
    assert "%2B" in refused.detail


@given(st.uuids())
def test_canonical_ids_are_read(id_: UUID) -> None:
    """Both cases of letters are canonical enough (RFC 9562, section 4)."""
    assert parse_uuid(str(id_)) == id_
    assert parse_uuid(str(id_).upper()) == id_


@pytest.mark.parametrize(
    "text",
    [
        "",
        ID.hex,
        f"urn:uuid:{ID}",
        f"{{{ID}}}",
        f" {ID}",
        f"{ID}\n",
        str(ID)[:-1],
        f"{ID}0",
        str(ID).replace("-", "_"),
        "0190b8a57c1e-7d3a-9f10-5e2b-6c7d8e9f",
        str(ID).replace("0", "\N{ARABIC-INDIC DIGIT ZERO}"),
        str(ID).replace("9", "g"),
        "1",
    ],
)
def test_other_ids_are_none(text: str) -> None:
    """Forms that Python's own reader takes are not addresses of anything here."""
    assert parse_uuid(text) is None
