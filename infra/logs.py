"""Logs: structured, on standard error, JSON in production and lines for people elsewhere.

Everything passes one redaction, also what libraries log and what tracebacks say. It is the second
line: the first is that bodies, cookies and header fields are never given to a logger at all.
"""

import logging
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "***"
_DEEPEST = 8

_NAMES = r"(?:pass(?:word|wd|phrase)|secret|token|authori[sz]ation|cookie|credential|api[-_]?key)"
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
# What a secret looks like inside a text: a bearer token, a web token, the password of a URL, and
# anything that is assigned to a telling name.
_SECRET_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"\beyJ[\w-]*\.[\w-]*(?:\.[\w-]*)?"), REDACTED),
    (re.compile(r"(\w+://[^\s/:@]*):[^\s/@]+@"), rf"\1:{REDACTED}@"),
    (
        re.compile(
            rf"([\w-]*{_NAMES}[\w-]*[\"']?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&}}\])]+)",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
)


def configure_logs(*, production: bool, stream: TextIO | None = None) -> None:
    """Send this program's and its libraries' logs to the stream, standard error by default."""
    out = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # As text, before the redaction; the plain formatter shows no variables.
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if production
        else structlog.dev.ConsoleRenderer(colors=out.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("ledgerpress").setLevel(logging.INFO)


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Hide what has a secret's name, and what looks like a secret anywhere in the text."""
    return {name: _redacted(name, value, 0) for name, value in event.items()}


def redacted_text(text: str) -> str:
    """Hide what looks like a secret in a text."""
    for pattern, replacement in _SECRET_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _redacted(name: str, value: object, depth: int) -> object:
    if _SECRET_NAME.search(name):
        return REDACTED
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {str(k): _redacted(str(k), v, depth + 1) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes) and depth < _DEEPEST:
        return [_redacted("", item, depth + 1) for item in value]
    # Other objects are shown by their text, so that no renderer looks inside them.
    return redacted_text(value if isinstance(value, str) else repr(value))
