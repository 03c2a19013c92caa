"""How regions of files become answers: ASGI's `http.response.zerocopysend`."""

import socket
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from infra.http_server.exchange import FILE_REGION, AsgiApp, Message, Receive, Send
from infra.http_server.file_region import PIECE_BYTES
from tests.infra.http_server.apps import Switch, with_lifespan
from tests.infra.http_server.conftest import QUICK
from tests.infra.http_server.live_server import LOOPS, LiveServer, running
from tests.support.stored_files import some_bytes

CONTENT = some_bytes(5 * PIECE_BYTES + 12_345, seed=3)
REQUEST = b"%b / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module", params=list(LOOPS))
def server(request: pytest.FixtureRequest) -> Generator[tuple[LiveServer, Switch], None, None]:
    """Serve what a test sets, on each kind of event loop."""
    switch = Switch()
    with running(switch, QUICK, request.param) as server:
        yield server, switch


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file with the content."""
    file = tmp_path_factory.mktemp("regions") / "file"
    file.write_bytes(CONTENT)
    return file


def sending(
    path: Path, *parts: bytes | tuple[int, int], length: int | None, ending: bytes | None = None
) -> AsgiApp:
    """Answer with bytes and regions (offset, count) in turn, and an end where one is given."""

    @with_lifespan
    async def app(scope: Message, _receive: Receive, send: Send) -> None:
        assert FILE_REGION in scope["extensions"]
        fields = [] if length is None else [(b"content-length", b"%d" % length)]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        with path.open("rb") as file:
            for number, part in enumerate(parts):
                more = ending is not None or number < len(parts) - 1
                if isinstance(part, bytes):
                    await send({"type": "http.response.body", "body": part, "more_body": more})
                else:
                    region = {"file": file, "offset": part[0], "count": part[1]}
                    await send({"type": FILE_REGION, **region, "more_body": more})
        if ending is not None:
            await send({"type": "http.response.body", "body": ending})

    return app


def body_of(parts: Sequence[bytes | tuple[int, int]]) -> bytes:
    """Say what such an answer must hold."""
    return b"".join(
        part if isinstance(part, bytes) else CONTENT[part[0] : part[0] + part[1]] for part in parts
    )


@pytest.mark.parametrize(
    "parts",
    [
        [(0, len(CONTENT))],
        [(0, 1)],
        [(len(CONTENT) - 1, 1)],
        [(17, 0)],
        [(100, PIECE_BYTES)],
        [(100, PIECE_BYTES + 1)],
        [b"before", (5, 10)],
        [b"before" * 50_000, (5, 3 * PIECE_BYTES), b"between" * 50_000, (7, 10), b"after"],
        [(0, 10), (10, 10), (0, len(CONTENT))],
    ],
)
def test_regions_and_bytes_come_in_order(
    server: tuple[LiveServer, Switch], path: Path, parts: list[bytes | tuple[int, int]]
) -> None:
    """Every byte, once, and the connection goes on."""
    live, switch = server
    expected = body_of(parts)
    switch.app = sending(path, *parts, length=len(expected))
    with live.connect() as client:
        for _ in range(3):
            client.send(REQUEST % b"GET")
            answer = client.answer()

            assert answer.headers["content-length"] == str(len(expected))
            assert answer.body == expected


def test_a_slow_client_gets_all_of_it(server: tuple[LiveServer, Switch], path: Path) -> None:
    """What the socket does not take waits, and comes in order."""
    live, switch = server
    whole = [(0, len(CONTENT))] * 8
    switch.app = sending(path, *whole, length=8 * len(CONTENT))
    with live.connect() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        client.send(REQUEST % b"GET")
        answer = client.answer()

    assert answer.body == CONTENT * 8


def test_head_sends_no_region(server: tuple[LiveServer, Switch], path: Path) -> None:
    """Only the head, and the connection goes on."""
    live, switch = server
    switch.app = sending(path, (0, 100), length=100)
    with live.connect() as client:
        client.send(REQUEST % b"HEAD" + REQUEST % b"GET")
        head, got = client.answer("HEAD"), client.answer()

    assert (head.headers["content-length"], got.body) == ("100", CONTENT[:100])


@pytest.mark.parametrize("ending", [None, b"end"])
def test_a_file_that_is_too_short_cuts_the_answer(
    server: tuple[LiveServer, Switch], path: Path, ending: bytes | None
) -> None:
    """It never looks whole."""
    live, switch = server
    count = len(CONTENT) + 1
    length = count + len(ending or b"")
    switch.app = sending(path, (0, count), length=length, ending=ending)
    with live.connect() as client:
        client.send(REQUEST % b"GET")
        received = client.rest()

    assert received.partition(b"\r\n\r\n")[2] == CONTENT


@pytest.mark.parametrize("length", [None, 99, 101])
def test_a_length_that_is_not_said_or_wrong(
    server: tuple[LiveServer, Switch], path: Path, length: int | None
) -> None:
    """It is the application's mistake, found before a byte is sent."""
    live, switch = server
    switch.app = sending(path, (0, 100), length=length, ending=b"" if length is None else None)
    with live.connect() as client:
        client.send(REQUEST % b"GET")

        assert client.answer().status == 500


def test_a_client_that_leaves_ends_the_sending(
    server: tuple[LiveServer, Switch], path: Path
) -> None:
    """The application goes on to its end, and the server serves others."""
    live, switch = server
    switch.app = sending(path, *[(0, len(CONTENT))] * 30, length=30 * len(CONTENT))
    for reset in (True, False):
        with live.connect() as client:
            client.send(REQUEST % b"GET")
            client.socket.recv(1000)
            if reset:
                client.reset_on_close()
    switch.app = sending(path, (0, 5), length=5)
    with live.connect() as client:
        client.send(REQUEST % b"GET")

        assert client.answer().body == CONTENT[:5]
