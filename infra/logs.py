"""Logs: structured, on standard error, JSON in production and lines for people elsewhere.

Everything passes one redaction (`infra/redaction.py`), also what libraries log and what tracebacks
say. It is the second line: the first is that bodies, cookies and header fields are never given to a
logger at all.
"""

import logging
import sys
from contextlib import suppress
from types import TracebackType
from typing import TextIO

import structlog
from structlog.typing import Processor

from infra.redaction import redact


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
    handler = _Handler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(allow=["request_id"]), *shared],
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


def log_what_is_left() -> None:
    """Have errors that nobody catches logged like all others, not printed as they are."""
    log = structlog.stdlib.get_logger("ledgerpress")

    def unhandled(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        log.critical("unhandled", exc_info=(kind, error, traceback))

    sys.excepthook = unhandled


class _Handler(logging.StreamHandler[TextIO]):
    """Never prints a record that it could not write: its arguments would be shown as they are."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as in logging
        with suppress(OSError, ValueError):  # nobody may be there to read it, either
            self.stream.write(f"a line of {record.name} could not be logged\n")
