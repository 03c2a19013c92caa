"""Specifies how times are written and read."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.times import http_date, parse_http_date, parse_rfc3339, rfc3339

MOMENT = datetime(2026, 11, 23, 3, 9, 49, 123456, tzinfo=UTC)
FAR_EAST = timezone(timedelta(hours=14))


def test_a_time_is_written_in_utc_with_microseconds() -> None:
    """Whatever its offset, a time is written in one form."""
    assert rfc3339(MOMENT) == "2026-11-23T03:09:49.123456Z"
    assert rfc3339(MOMENT.astimezone(FAR_EAST)) == "2026-11-23T03:09:49.123456Z"
    assert rfc3339(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00.000000Z"


def test_a_time_without_an_offset_is_a_bug() -> None:
    """A naive time names no moment and is not guessed at."""
    with pytest.raises(ValueError, match="offset"):
        rfc3339(MOMENT.replace(tzinfo=None))


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_is_read_back(moment: datetime) -> None:
    """Reading undoes writing, to the microsecond."""
    assert parse_rfc3339(rfc3339(moment)) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T03:09:49Z", MOMENT.replace(microsecond=0)),
        ("2026-11-23t03:09:49z", MOMENT.replace(microsecond=0)),
        ("2026-11-23T05:09:49.123456+02:00", MOMENT),
        ("2026-11-22T22:39:49.123456-04:30", MOMENT),
        ("2026-11-23T03:09:49.123456-00:00", MOMENT),
        ("2026-11-23T03:09:49.1Z", MOMENT.replace(microsecond=100_000)),
        ("2026-11-23T03:09:49.123456999Z", MOMENT),
    ],
)
def test_a_time_with_an_offset_is_read_as_utc(text: str, moment: datetime) -> None:
    """Fractions, both cases of letters and any offset are understood."""
    read = parse_rfc3339(text)

    assert read == moment
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23",
        "2026-11-23T03:09Z",
        "2026-11-23T03:09:49",
        "2026-11-23 03:09:49Z",
        "2026-11-23T03:09:49 02:00",
        "2026-11-23T03:09:49+0200",
        "2026-11-23T03:09:49+02",
        "2026-11-23T03:09:49+24:00",
        "2026-11-23T03:09:49+01:60",
        "2026-11-23T03:09:49.Z",
        "2026-11-23T03:09:49,5Z",
        "2026-11-23T03:09:49.1234567890Z",
        "2026-11-23T03:09:49Z\n",
        " 2026-11-23T03:09:49Z",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-23T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "12026-11-23T03:09:49Z",
        "+2026-11-23T03:09:49Z",
        "\N{ARABIC-INDIC DIGIT TWO}026-11-23T03:09:49Z",
        "1763867389",
        "now",
    ],
)
def test_anything_else_is_no_time(text: str) -> None:
    """What is not RFC 3339 with an offset, or does not exist, is refused."""
    assert parse_rfc3339(text) is None


def test_http_dates_are_written_as_imf_fixdate() -> None:
    """Whole seconds, cut and never rounded up, in GMT, in English."""
    assert http_date(MOMENT) == "Mon, 23 Nov 2026 03:09:49 GMT"
    assert http_date(MOMENT.replace(microsecond=999_999)) == "Mon, 23 Nov 2026 03:09:49 GMT"
    assert http_date(MOMENT.astimezone(FAR_EAST)) == "Mon, 23 Nov 2026 03:09:49 GMT"


@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants bounds without a zone
def test_an_http_date_is_read_back(moment: datetime) -> None:
    """Reading undoes writing, to the second."""
    read = parse_http_date(http_date(moment), this_year=2026)

    assert read == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ],
)
def test_all_three_forms_of_an_http_date_are_read(text: str) -> None:
    """The obsolete forms name the same moment (RFC 9110, section 5.6.7)."""
    assert parse_http_date(text, this_year=2026) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(("digits", "year"), [("76", 2076), ("77", 1977), ("00", 2000)])
def test_two_digit_years_lie_at_most_50_years_ahead(digits: str, year: int) -> None:
    """A year that would be further in the future is the past one."""
    read = parse_http_date(f"Sunday, 06-Nov-{digits} 08:49:37 GMT", this_year=2026)

    assert read is not None
    assert read.year == year


def test_a_leap_second_is_the_second_before_it() -> None:
    """Second 60 is in the grammar, so such a date is not invalid."""
    read = parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT", this_year=2026)

    assert read == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "yesterday",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        "1994-11-06T08:49:37Z",
    ],
)
def test_anything_else_is_no_http_date(text: str) -> None:
    """What the grammar does not have, or what does not exist, is refused."""
    assert parse_http_date(text, this_year=2026) is None
