"""The command line with logs as verbose as they get, whatever the settings say.

Run as `python -m tests.support.serve_verbosely serve`.
"""

import asyncio
import logging
from unittest.mock import patch

import structlog
import uvloop

from infra import redis_calls
from infra.cli import common
from infra.cli.main import main
from infra.logs import configure_logs

_new_event_loop = uvloop.new_event_loop


def configure_verbose_logs(*, production: bool) -> None:
    """Let everything through that anybody logs at any level; the redaction stays as it is."""
    configure_logs(production=production)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET))
    logging.getLogger().setLevel(logging.DEBUG)
    for name in logging.root.manager.loggerDict:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.get_logger("ledgerpress.test").debug("verbose")


def verbose_loop() -> asyncio.AbstractEventLoop:
    """Make a loop that warns of slow callbacks, and shows them."""
    loop = _new_event_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.001
    return loop


if __name__ == "__main__":
    with (
        patch.object(common, "configure_logs", configure_verbose_logs),
        patch.object(uvloop, "new_event_loop", verbose_loop),
        # A loop that looks so closely at all it does is slow.
        patch.object(redis_calls, "CALL_SECONDS", 20.0),
        patch.object(redis_calls, "WHOLE_SECONDS", 20.0),
    ):
        main()
