"""Servers that the tests of this folder share: starting and stopping one takes a moment."""

from collections.abc import Generator
from dataclasses import replace

import pytest

from infra.http_server import HttpLimits
from tests.infra.http_server.apps import Switch, early, mirror
from tests.infra.http_server.live_server import LOOPS, LiveServer, running

QUICK = HttpLimits(drain_grace_seconds=0.0, drain_seconds=2, linger_idle_seconds=0.5)
SHORT = 0.2
IMPATIENT = replace(
    QUICK,
    header_seconds=SHORT,
    body_stall_seconds=SHORT,
    keep_alive_seconds=SHORT,
    write_stall_seconds=SHORT,
    body_buffer_bytes=1000,
)


@pytest.fixture(scope="package", params=list(LOOPS))
def mirror_server(request: pytest.FixtureRequest) -> Generator[LiveServer, None, None]:
    """Serve `mirror` with sizes as by default, on each kind of event loop."""
    with running(mirror, QUICK, request.param) as server:
        yield server


@pytest.fixture(scope="package", params=list(LOOPS))
def early_server(request: pytest.FixtureRequest) -> Generator[LiveServer, None, None]:
    """Serve `early` on each kind of event loop."""
    with running(early, QUICK, request.param) as server:
        yield server


@pytest.fixture(scope="package", params=list(LOOPS))
def impatient_server(
    request: pytest.FixtureRequest,
) -> Generator[tuple[LiveServer, Switch], None, None]:
    """Serve what a test sets (at first `mirror`), with every time-out short."""
    switch = Switch()
    with running(switch, IMPATIENT, request.param) as server:
        yield server, switch


@pytest.fixture(scope="package")
def switch_server() -> Generator[tuple[LiveServer, Switch], None, None]:
    """Serve what a test sets."""
    switch = Switch()
    with running(switch, QUICK) as server:
        yield server, switch


@pytest.fixture(autouse=True)
def _mirror_again(request: pytest.FixtureRequest) -> None:
    """Undo what an earlier test set."""
    for name in ("impatient_server", "switch_server"):
        if name in request.fixturenames:
            request.getfixturevalue(name)[1].app = mirror
