"""What this package needs of uvicorn's inside; an upgrade that changes it fails here, by name."""

import inspect

import httptools
import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from infra.http_server.protocol import StrictHttpProtocol


def test_the_constructor_matches_uvicorns_own() -> None:
    """Uvicorn makes our protocol with the arguments of its own."""
    ours = inspect.signature(StrictHttpProtocol).parameters
    theirs = inspect.signature(HttpToolsProtocol).parameters

    assert list(ours) == list(theirs) == ["config", "server_state", "app_state", "_loop"]


def test_the_server_state_has_what_is_shared() -> None:
    """Connections and tasks are sets that the server waits for."""
    state = ServerState()

    assert state.connections == set()
    assert state.tasks == set()
    assert state.total_requests == 0


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("startup", ["self", "sockets"]),
        ("main_loop", ["self"]),
        ("shutdown", ["self", "sockets"]),
        ("on_tick", ["self", "counter"]),
        ("capture_signals", ["self"]),
    ],
)
def test_the_server_has_the_methods_that_are_replaced(method: str, parameters: list[str]) -> None:
    """The steps of uvicorn's server that `run.py` wraps exist as it calls them."""
    assert list(inspect.signature(getattr(uvicorn.Server, method)).parameters) == parameters


def test_shutdown_asks_each_connection_and_waits() -> None:
    """Uvicorn's shutdown calls `shutdown()` on connections, waits, cancels, ends the lifespan."""
    source = inspect.getsource(uvicorn.Server.shutdown)
    steps = ["connection.shutdown()", "timeout_graceful_shutdown", "cancel(", "lifespan.shutdown()"]

    assert [step for step in steps if step not in source] == []
    assert sorted(steps, key=source.index) == steps


@pytest.mark.parametrize(
    "attribute", ["loaded_app", "http_protocol_class", "timeout_graceful_shutdown"]
)
def test_the_config_has_what_is_read(attribute: str) -> None:
    """The loaded configuration names the application and the protocol class."""

    async def app(_scope: object, _receive: object, _send: object) -> None:
        """Do nothing."""

    config = uvicorn.Config(app, lifespan="on", ws="none", log_config=None, interface="asgi3")
    config.load()

    assert hasattr(config, attribute)


def test_llhttp_takes_an_upgrade_out_of_http() -> None:
    """The parser stops at an Upgrade, which is why the field is dropped and the head re-read."""

    class Listener:
        """Hears nothing."""

    with pytest.raises(httptools.HttpParserUpgrade):
        httptools.HttpRequestParser(Listener()).feed_data(
            b"POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n"
            b"Content-Length: 3\r\n\r\nabc"
        )
