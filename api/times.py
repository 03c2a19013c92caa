"""Times on the wire: RFC 3339 in JSON and parameters, HTTP dates in header fields."""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_MONTH = "(?P<month>" + "|".join(_MONTHS) + ")"
_DAY = "(?:" + "|".join(_DAYS) + ")"
_LONG_DAY = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_HTTP_DATES = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"{_DAY}, (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_CLOCK} GMT",
        rf"{_LONG_DAY}, (?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_CLOCK} GMT",
        rf"{_DAY} {_MONTH} (?P<day>\d\d| \d) {_CLOCK} (?P<year>\d{{4}})",
    )
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_LEAP_SECOND = 60
_TWO_DIGIT_YEAR_HORIZON = 50


def rfc3339(moment: datetime) -> str:
    """Write an aware time in UTC with microseconds: `2026-11-23T03:09:49.123456Z`."""
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError("a time without an offset names no moment")
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def parse_rfc3339(text: str) -> datetime | None:
    """Read an RFC 3339 date-time, which has an offset, as UTC; None where it is not one.

    Digits below the microsecond are cut off. Leap seconds, which a `datetime` cannot hold, and
    moments outside the years 1 to 9999 in UTC give None.
    """
    found = _RFC_3339.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.group(1, 2, 3, 4, 5, 6))
    fraction, sign, offset_hours, offset_minutes = found.group(7, 8, 9, 10)
    zone: timezone = UTC
    try:
        if sign is not None:
            # Of the two, only the minutes could be too large and still make a valid offset.
            if int(offset_minutes) > 59:  # noqa: PLR2004 - the last minute of an hour
                return None
            offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
            zone = timezone(-offset if sign == "-" else offset)
        micros = int((fraction or "")[:6].ljust(6, "0"))
        return datetime(year, month, day, hour, minute, second, micros, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def http_date(moment: datetime) -> str:
    """Write an aware time as an IMF-fixdate (RFC 9110, section 5.6.7), in whole seconds."""
    # In integers: the float of a far time would round up to the next second.
    return _http_date((moment - _EPOCH) // _SECOND)


@lru_cache(maxsize=1024)
def _http_date(seconds: int) -> str:
    at = datetime.fromtimestamp(seconds, UTC)
    return (
        f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year:04} "
        f"{at.hour:02}:{at.minute:02}:{at.second:02} GMT"
    )


def parse_http_date(text: str, *, this_year: int) -> datetime | None:
    """Read any of the three forms of an HTTP date (RFC 9110, section 5.6.7); None for other text.

    A year of two digits that would lie more than 50 years after `this_year` is the past one. The
    name of the day is not compared with the date, and second 60 is read as 59.
    """
    for form in _HTTP_DATES:
        found = form.fullmatch(text)
        if found is not None:
            break
    else:
        return None
    year = int(found["year"])
    if len(found["year"]) == 2:  # noqa: PLR2004 - RFC 850 writes two digits
        year += this_year // 100 * 100
        if year > this_year + _TWO_DIGIT_YEAR_HORIZON:
            year -= 100
    second = int(found["second"])
    try:
        return datetime(
            year,
            _MONTHS.index(found["month"]) + 1,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            59 if second == _LEAP_SECOND else second,
            tzinfo=UTC,
        )
    except ValueError:
        return None
