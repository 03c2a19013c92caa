"""What no answer may be, and the counts of what the answers were."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from api.problem_catalogue import CATALOGUE
from tests.support.http import RawAnswer

DELIBERATE = frozenset(
    {
        *(("contended", 503), ("overloaded", 503), ("too_many_connections", 503)),
        *(("quota_exceeded", 507), ("storage_full", 507)),
        *(("method_not_implemented", 501), ("http_version_not_supported", 505)),
    }
)
"""The only errors of 5xx that bad input may meet: those that the caller is told on purpose."""

_INTERNALS = re.compile(
    rb"Traceback|File \"|site-packages|\.py\b|line \d+, in |asyncpg|psycopg|sqlalchemy|litestar"
    rb"|msgspec|uvloop|pydantic|postgresql://|redis://|nats://|LEDGERPRESS_|/usr/|/home/|0x[0-9a-f]{8,}"
    rb"|\b[A-Z]\w{1,40}Error\b|argon2id\$|select \S{1,40} from|violates \w{1,20} constraint",
)
_NOT_OURS = frozenset({"/docs", "/openapi.json", "/http-statuses", "/problems", "/metrics"})
"""Addresses whose pages speak of code on purpose."""

OK, REFUSED, FAULT = 200, 400, 500
_LOGGED = ("Traceback", '"exception"', "unhandled", "never retrieved", "[error", "[critical")
_MEMBERS = {"type", "title", "status", "detail", "instance", "error", "requestId"}


class Tally:
    """Counts by status and by error, and the faults in words."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()
        self.classes: dict[str, Counter[int]] = {}
        """By operation, how many answers of 1 (none), 2xx, 3xx, 4xx and 5xx."""
        self.faults: list[str] = []
        self.requests = 0
        self._refused: dict[str, tuple[str, bytes]] = {}

    def judge(self, what: str, method: str, request: bytes, answer: RawAnswer) -> None:
        """Count an answer, and keep what is wrong with it."""
        self.requests += 1
        self.statuses[answer.status] += 1
        self.classes.setdefault(what, Counter())[answer.status // 100] += 1
        wrong = _fault(method, request, answer)
        if answer.status >= REFUSED:
            self.must_store_nothing(what, request, answer)
            if method != "HEAD":
                self.errors[_error(answer)] += 1
        if wrong is not None:
            self.fault(what, wrong, request, b"%d %b" % (answer.status, answer.body[:400]))

    def must_store_nothing(self, what: str, request: bytes, answer: RawAnswer) -> None:
        """Remember that no event may have been caused by this request."""
        request_id = answer.field("x-request-id")
        if request_id is not None:
            self._refused[request_id] = what, request

    def settle(self, causes: Iterable[str]) -> None:
        """Hold what was refused against the requests that caused new events; forget it then."""
        for request_id in causes:
            if request_id in self._refused:
                what, request = self._refused[request_id]
                self.fault(what, "refused and stored", request, request_id.encode())
        self._refused.clear()

    def fault(self, what: str, wrong: str, request: bytes, heard: bytes) -> None:
        """Keep a fault, with what was sent; tokens are left out."""
        shown = re.sub(rb"Bearer eyJ[\w.-]+", b"Bearer ...", request)[:700]
        self.faults.append(f"{what}: {wrong}\n  sent  {shown!r}\n  heard {heard!r}")

    def report(self) -> str:
        """Say all of it in a few lines."""
        return "\n".join(
            [
                f"{self.requests} requests, {len(self.faults)} faults",
                f"by status: {dict(sorted(self.statuses.items()))}",
                f"by error: {dict(self.errors.most_common())}",
                *self.faults[:25],
            ]
        )

    def table(self, operations: Iterable[str]) -> str:
        """Say how the operations answered, in hundredths of what was asked."""
        rows = ["operation                                          asked   2xx   3xx   4xx   5xx"]
        for name in operations:
            counts = self.classes.get(name, Counter())
            asked = sum(counts.values())
            shares = (f"{100 * counts[each] / max(asked, 1):5.0f}%" for each in (2, 3, 4, 5))
            rows.append(f"{name:50}{asked:6}{''.join(shares)}")
        return "\n".join(rows)


def _error(answer: RawAnswer) -> str:
    try:
        members: Any = json.loads(answer.body)
        return str(members.get("error"))
    except (ValueError, AttributeError):
        return "none"


def _fault(method: str, request: bytes, answer: RawAnswer) -> str | None:
    target = [*request[:9000].split(b" ", 2), b""][1].decode("latin-1")
    speaks_of_code = any(target.startswith(path) for path in _NOT_OURS)
    if not speaks_of_code and answer.status >= REFUSED:
        shown = _INTERNALS.search(_own_words(answer))
        if shown is not None:
            return f"shows internals: {shown[0]!r}"
    if answer.status < REFUSED:
        return None
    error = _error(answer)
    if answer.status >= FAULT and method != "HEAD" and (error, answer.status) not in DELIBERATE:
        return "crashed"
    if answer.status == FAULT:
        return "crashed"
    if method == "HEAD":
        return "HEAD with a body" if answer.body else None
    return _malformed(answer, error)


def _own_words(answer: RawAnswer) -> bytes:
    """Give the body without `instance`, which is the target as it was sent."""
    try:
        members = json.loads(answer.body)
    except ValueError:
        return answer.body
    if not isinstance(members, dict):
        return answer.body
    members.pop("instance", None)
    return json.dumps(members).encode()


def _malformed(answer: RawAnswer, error: str) -> str | None:
    if answer.field("content-type") != "application/problem+json":
        return f"is no problem but {answer.field('content-type')}"
    members = answer.problem()
    if error not in CATALOGUE:
        return f"has an unknown error {error!r}"
    if not answer.status == members["status"] == CATALOGUE[error].status:
        return "has another status than its error"
    if missing := _MEMBERS - members.keys():
        return f"lacks {sorted(missing)}"
    if members["requestId"] != answer.field("x-request-id"):
        return "has another request id in its field"
    UUID(members["requestId"])
    return None


def faults_in_log(log: str) -> list[str]:
    """Give the lines of the log that tell of a crash."""
    return [line for line in log.splitlines() if any(sign in line for sign in _LOGGED)]
