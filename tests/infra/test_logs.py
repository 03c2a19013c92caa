"""Logs: canary secrets in every place where one might slip in, and none in what comes out."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from infra.logs import configure_logs, log_what_is_left
from infra.redaction import redacted_text

CANARY = "canary-5e2b6c7d"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl"  # noqa: S105 - a canary


@pytest.fixture(params=[True, False], ids=["production", "development"])
def stream(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Log into a text instead of standard error, and put everything back afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("ledgerpress")
    before = root.handlers[:], root.level, ours.level
    stream = io.StringIO()
    configure_logs(production=request.param, stream=stream)
    yield stream
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])
    structlog.reset_defaults()


def fail(password: str) -> None:
    """Fail with a secret in a local variable, and in the message."""
    token = password
    raise ValueError(f"refused: token={token}, header Authorization: Bearer {token}")


SPILLS: dict[str, Callable[[Any], None]] = {
    "a named field": lambda log: log.error("x", password=CANARY),
    "a longer name": lambda log: log.error("x", newAccessToken=CANARY, Set_Cookie=CANARY),
    "a nested field": lambda log: log.error("x", user={"a": [{"client_secret": CANARY}]}),
    "header fields": lambda log: log.error("x", headers={"Authorization": CANARY}),
    "the message": lambda log: log.error("sent Bearer %s to them", CANARY),
    "an assignment": lambda log: log.error("with password='%s' it failed", CANARY),
    "JSON in a text": lambda log: log.error("x", body=json.dumps({"password": CANARY})),
    "a form in a text": lambda log: log.error("x", body=f"a=1&password={CANARY}&b=2"),
    "a URL": lambda log: log.error("x", url=f"postgresql://me:{CANARY}@db:5432/x"),
    "a web token": lambda log: log.error("x", seen=TOKEN),
    "an object": lambda log: log.error("x", error=ValueError(f"cookie: {CANARY}")),
    "bytes": lambda log: log.error("x", raw=f"authorization: {CANARY}".encode()),
}


@pytest.mark.parametrize("spill", SPILLS.values(), ids=SPILLS.keys())
def test_no_secret(stream: io.StringIO, spill: Callable[[Any], None]) -> None:
    """No secret comes out, from our own logger."""
    spill(structlog.stdlib.get_logger("ledgerpress.test"))

    assert "***" in stream.getvalue()
    assert CANARY not in stream.getvalue()
    assert TOKEN not in stream.getvalue()


def test_libraries(stream: io.StringIO) -> None:
    """What a library logs passes the same redaction, its arguments included."""
    logging.getLogger("uvicorn.error").error("refused %s", f"password={CANARY}")
    logging.getLogger("asyncpg").warning("cannot reach %s", f"nats://u:{CANARY}@host")

    assert stream.getvalue().count("***") == 2
    assert CANARY not in stream.getvalue()


def test_traceback(stream: io.StringIO) -> None:
    """A traceback says where it failed and why, without variables and without secrets."""
    for log in (structlog.stdlib.get_logger("ledgerpress.test"), logging.getLogger("library")):
        try:
            fail(CANARY)
        except ValueError:
            log.exception("it failed")

    assert stream.getvalue().count("in fail") == 2
    assert "refused" in stream.getvalue()
    assert CANARY not in stream.getvalue()


def test_what_nobody_catches(stream: io.StringIO) -> None:
    """The end of a program by a bug is logged like all else."""
    before = sys.excepthook
    try:
        log_what_is_left()
        try:
            fail(CANARY)
        except ValueError as error:
            sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.excepthook = before

    assert "unhandled" in stream.getvalue()
    assert "in fail" in stream.getvalue()
    assert CANARY not in stream.getvalue()


def test_a_record_that_cannot_be_written(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """Says whose it was; the standard library would print its arguments as they are."""
    [ours] = [each for each in logging.getLogger().handlers if getattr(each, "stream", 0) is stream]
    ours.handle(logging.LogRecord("library", logging.ERROR, "x.py", 1, "%d", (CANARY,), None))

    assert stream.getvalue() == "a line of library could not be logged\n"
    assert CANARY not in "".join(capsys.readouterr())


def test_a_log_that_nobody_reads_any_more(stream: io.StringIO) -> None:
    """What is logged goes nowhere, and whoever logs it notices nothing."""
    log = structlog.stdlib.get_logger("ledgerpress")
    stream.close()

    log.warning("said to nobody")


def test_the_request_of_a_line(stream: io.StringIO) -> None:
    """Libraries' lines keep the id that the client got, and no other fields."""
    told = {"request_id": "01a206b8-a34f", "secret": CANARY, "detail": CANARY}
    logging.getLogger("infra.http_server").error("it failed", extra=told)

    assert "01a206b8-a34f" in stream.getvalue()
    assert CANARY not in stream.getvalue()


def test_quiet(stream: io.StringIO) -> None:
    """Libraries are heard from warnings on, the product from its information on."""
    logging.getLogger("library").info("chatter")
    structlog.stdlib.get_logger("ledgerpress.test").debug("detail")
    structlog.stdlib.get_logger("ledgerpress.test").info("news")

    assert "chatter" not in stream.getvalue()
    assert "detail" not in stream.getvalue()
    assert "news" in stream.getvalue()


def test_json() -> None:
    """In production a line is a JSON object with time, level, logger and message."""
    stream = io.StringIO()
    configure_logs(production=True, stream=stream)
    structlog.stdlib.get_logger("ledgerpress.test").warning("news", count=3, missing=None)
    structlog.reset_defaults()

    line = json.loads(stream.getvalue())
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "news",
        "level": "warning",
        "logger": "ledgerpress.test",
        "count": 3,
        "missing": None,
    }


@pytest.mark.parametrize(
    "text",
    [
        "the tokens were counted",
        "POST /token/refresh 200",
        "password too short",
        "https://example.org/posts/1 was read twice",
        "what is it? /posts/1 perhaps",
        "12:30:05 at line 7",
        'relation "sessions" does not exist',
        "01a206b8-a34f-7d7c-8000-0123456789ab",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)
def test_harmless(text: str) -> None:
    """Text that only speaks of secrets stays readable."""
    assert redacted_text(text) == text
