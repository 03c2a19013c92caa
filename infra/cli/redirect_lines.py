"""The lines of files of redirects: CSV, and the `_redirects` format of Netlify. Pure.

What cannot be taken over as it was meant is refused, line by line, with a reason.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, get_args

from commands.redirects import NewRedirect
from domain.redirect import Status

DEFAULT_STATUS = 301
"""As where these files come from."""

_STATUSES = frozenset(str(status) for status in get_args(Status))
_COLUMNS = ("path", "target", "status", "activeFrom", "activeUntil")
_NEEDED = 2
_PLACEHOLDER = re.compile(r"(?:^|/):\w")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_QUERY = re.compile(r"\w+=")


class Told(NamedTuple):
    """A line, and what it asks for or why it is refused."""

    line: int
    asked: NewRedirect | str


def read_csv(text: str) -> Iterator[Told]:
    """Read CSV (RFC 4180) whose first line names its columns; the last three may be absent."""
    rows = csv.reader(io.StringIO(text), strict=True)
    number = 1
    try:
        names = next(rows, [])
        unknown = [name for name in names if name not in _COLUMNS]
        if unknown or len(set(names)) < len(names) or not {*_COLUMNS[:_NEEDED]} <= {*names}:
            yield Told(
                1, f"The columns must be path, target, and any of {', '.join(_COLUMNS[2:])}."
            )
            return
        for row in rows:
            number = rows.line_num
            if row:
                yield Told(number, _of_row(names, row))
    except csv.Error as error:
        yield Told(
            max(number, rows.line_num), f"This is not CSV ({error}), and nothing after it is read."
        )


def read_netlify(text: str) -> Iterator[Told]:
    """Read lines of `from to status`; `#` begins a comment."""
    for number, line in enumerate(text.splitlines(), start=1):
        words = _COMMENT.sub("", line).split()
        if words:
            yield Told(number, _of_words(words))


def _of_row(names: Sequence[str], row: Sequence[str]) -> NewRedirect | str:
    if len(row) != len(names):
        return f"There are {len(row)} values for {len(names)} columns."
    values = dict(zip(names, row, strict=True))
    times: list[datetime | None] = []
    for name in _COLUMNS[3:]:
        moment = _moment(values.get(name, ""))
        if isinstance(moment, str):
            return f"{name}: {moment}"
        times.append(moment)
    return _redirect(values["path"], values["target"], values.get("status", ""), *times)


def _of_words(words: Sequence[str]) -> NewRedirect | str:
    path, *rest = words
    if rest and _QUERY.match(rest[0]):
        return "Redirects that depend on query parameters are not supported."
    if not rest:
        return "There is no target."
    target, *more = rest
    status = more.pop(0) if more and not _QUERY.match(more[0]) else ""
    if more:
        return "Redirects that depend on country, language, role or cookie are not supported."
    if status.endswith("!"):
        return "Forced redirects (!) are not supported: no redirect goes before what is there."
    if "*" in path or ":splat" in target:
        return "Splats (*) are not supported."
    if _PLACEHOLDER.search(path) or _PLACEHOLDER.search(target):
        return "Placeholders (:name) are not supported."
    if path.startswith(("http://", "https://", "//")):
        return "Redirects of other hosts are not supported: begin with a path."
    return _redirect(path, target, status)


def _redirect(
    path: str,
    target: str,
    status: str,
    active_from: datetime | None = None,
    active_until: datetime | None = None,
) -> NewRedirect | str:
    status = status or str(DEFAULT_STATUS)
    if status not in _STATUSES:
        return f"The status must be one of {', '.join(sorted(_STATUSES))}."
    number: Status = int(status)  # type: ignore[assignment]  # it is one of them
    return NewRedirect(path, target, number, active_from, active_until)


def _moment(text: str) -> datetime | str | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else "The time has no offset, such as Z."
    except (ValueError, OverflowError):
        return "It is no time such as 2026-11-23T03:09:49Z."
