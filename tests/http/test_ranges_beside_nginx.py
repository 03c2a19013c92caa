"""Compares what ranges give with what nginx gives for the same file and the same field."""

import asyncio
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

import msgspec
import pytest

from api.conditional import parse_if_range
from api.headers import Headers
from commands.ranges import MOST_RANGES, Part, Parts, Selection, Unsatisfiable, Whole, select
from tests.http.generated_ranges import SIZES, Case, Validator, generated
from tests.support.http import Client
from tests.support.own_nginx import own_nginx
from tests.support.ports import free_ports
from tests.support.product import Api
from tests.support.programs import needs
from tests.support.stored_files import StoredFile, a_file, some_bytes

pytestmark = needs("nginx")

CASES = 10_000
END_TO_END = 400
MODIFIED = datetime(2026, 3, 1, 9, 0, 0, tzinfo=UTC)
CONTENTS = {size: some_bytes(size, seed=4) for size in SIZES}


class Given(msgspec.Struct, frozen=True):
    """What an answer gives: its status, and each part as its place and its bytes."""

    status: int
    parts: tuple[tuple[str, bytes], ...] = ()


def date(moment: datetime) -> str:
    """Write a time as HTTP does."""
    return format_datetime(moment, usegmt=True)


def validator(case: Case, tag: str, modified: datetime) -> str | None:
    """Write the If-Range of a case for a server with this entity tag."""
    match case.if_range:
        case Validator.NONE:
            return None
        case Validator.CURRENT_TAG:
            return tag
        case Validator.WEAK_TAG:
            return f"W/{tag}"
        case Validator.OTHER_TAG:
            return '"other"'
        case Validator.CURRENT_DATE:
            return date(modified)
        case Validator.EARLIER:
            return date(modified - timedelta(seconds=1))
        case Validator.LATER:
            return date(modified + timedelta(seconds=1))
        case Validator.NONSENSE:
            return "nonsense"


def decided(case: Case) -> Given:
    """Render the decision."""
    field = validator(case, '"tag"', MODIFIED)
    selection = select(
        case.asked,
        is_get=case.method == "GET",
        size=case.size,
        tag="tag",
        modified=MODIFIED,
        if_range=parse_if_range(Headers([] if field is None else [(b"if-range", field.encode())])),
    )
    return rendered(selection, case)


def rendered(selection: Selection, case: Case) -> Given:
    """Say what a selection gives of the content."""
    content = CONTENTS[case.size]

    def part(each: Part) -> tuple[str, bytes]:
        return f"bytes {each.first}-{each.last}/{case.size}", content[each.first : each.last + 1]

    match selection:
        case Whole():
            return Given(200, (("", content if case.method == "GET" else b""),))
        case Unsatisfiable():
            return Given(416, ((f"bytes */{case.size}", b""),))
        case Part():
            return Given(206, (part(selection),))
        case Parts():
            return Given(206, tuple(map(part, selection.parts)))


def received(status: int, fields: dict[str, str], body: bytes) -> Given:
    """Say what an answer over the wire gives."""
    if status == 416:
        return Given(416, ((fields["content-range"], b""),))
    multipart = re.fullmatch(r"multipart/byteranges; boundary=(\w+)", fields["content-type"])
    if multipart is None:
        return Given(status, ((fields.get("content-range", ""), body),))
    parts = []
    delimiter = b"\r\n--" + multipart[1].encode()
    for each in (b"\r\n" + body).split(delimiter)[1:-1]:
        head, _, content = each.partition(b"\r\n\r\n")
        found = re.search(rb"content-range: ([^\r]+)", head, re.IGNORECASE)
        assert found is not None
        parts.append((found[1].decode(), content))
    return Given(status, tuple(parts))


# --- the differences ------------------------------------------------------------------------------


def _set(case: Case) -> list[str]:
    """Give the elements of a set of ranges of bytes, without the space around them."""
    return [each.strip(" ") for each in case.asked.partition("=")[2].split(",")]


def _lengths(given: Given) -> int:
    return sum(len(body) for _, body in given.parts)


def is_head(case: Case, ours: Given, theirs: Given) -> bool:
    """Nginx heeds Range on HEAD. Section 14.2: only GET has ranges, any other ignores the field."""
    return case.method == "HEAD" and ours.status == 200 and theirs.status in {206, 416}


def has_no_set(case: Case, ours: Given, theirs: Given) -> bool:
    """Nginx sends all for `bytes 0-5` and `bytes=`. Bad syntax of `bytes` is 416 by contract."""
    named = re.fullmatch(r"bytes([^=A-Za-z].*|=)?", case.asked)
    return named is not None and (ours.status, theirs.status) == (416, 200)


def has_space_inside(case: Case, ours: Given, theirs: Given) -> bool:
    """Nginx reads `0 - 5`. The grammar (14.1.1) has no space there: bad syntax."""
    return any(" " in each for each in _set(case)) and ours.status == 416 != theirs.status


def has_empty_elements(case: Case, ours: Given, theirs: Given) -> bool:
    """Nginx refuses `0-5,,7-8`. A recipient must take empty elements of a list (5.6.1.2)."""
    return "" in _set(case) and theirs.status == 416 and ours.status in {200, 206}


def has_a_huge_number(case: Case, ours: Given, theirs: Given) -> bool:
    """Nginx refuses numbers beyond 63 bits. A last position past the end is the end (14.1.2)."""
    huge = any(len(digits.lstrip("0")) >= 19 for digits in re.findall("[0-9]+", case.asked))
    return huge and theirs.status == 416 and ours.status in {200, 206}


def has_too_many(case: Case, ours: Given, theirs: Given) -> bool:
    """Nginx gives any number of ranges (max_ranges). Ten are the contract's limit."""
    return len(_set(case)) > MOST_RANGES and ours.status == 416 and theirs.status in {200, 206}


def has_overlap(case: Case, ours: Given, theirs: Given) -> bool:
    """Nginx gives overlapping ranges, or all where they are longer. The contract refuses them."""
    taken = [_places(each, case.size) for each in _set(case)]
    flat = [place for places in taken if places is not None for place in places]
    twice = len(flat) != len(set(flat))
    return twice and ours.status == 416 and theirs.status in {200, 206}


def has_a_backward_range(case: Case, ours: Given, theirs: Given) -> bool:
    """Nginx leaves `9-5` out of a set, or sends all. A set with it is invalid (14.1.1)."""
    return (
        any(_places(each, case.size) is None for each in _set(case))
        and ours.status == 416
        and theirs.status in {200, 206}
    )


def is_empty(case: Case, ours: Given, theirs: Given) -> bool:
    """Nginx ignores Range for an empty file. Only its last bytes can be given (14.1.2)."""
    return case.size == 0 and (ours.status, theirs.status) == (416, 200)


DIFFERENCES: tuple[Callable[[Case, Given, Given], bool], ...] = (
    is_head,
    has_no_set,
    has_space_inside,
    has_empty_elements,
    has_a_huge_number,
    has_too_many,
    has_overlap,
    has_a_backward_range,
    is_empty,
)
"""Every way in which the two differ, with the reason in its docstring."""


def _places(element: str, size: int) -> range | None:
    """Give the bytes that a range takes; None where it ends before it begins or is none."""
    found = re.fullmatch("([0-9]*)-([0-9]*)", element)
    if found is None or element == "-":
        return range(0)
    if not found[1]:
        return range(max(0, size - int(found[2])), size)
    last = int(found[2]) if found[2] else size - 1
    if found[2] and last < int(found[1]):
        return None
    return range(int(found[1]), min(last, size - 1) + 1)


# --- the comparison -------------------------------------------------------------------------------


class KeptAlive:
    """A connection for one request after the other, in a thread."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def ask(
        self, method: str, path: str, **fields: str | None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request and read its answer: status, fields, body."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items() if value]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        status = int(self._file.readline().split(b" ")[1])
        answered: dict[str, str] = {}
        while (line := self._file.readline()) != b"\r\n":
            name, _, value = line.decode("latin-1").partition(":")
            answered[name.lower()] = value.strip()
        length = 0 if method == "HEAD" else int(answered["content-length"])
        return status, answered, self._file.read(length)

    def close(self) -> None:
        """Close it."""
        self._file.close()
        self._socket.close()


def asked_of(port: int, cases: list[Case]) -> list[Given]:
    """Ask nginx for each case."""
    connection = KeptAlive(port)
    try:
        known: dict[int, tuple[str, datetime]] = {}
        for size in SIZES:
            _, fields, _ = connection.ask("GET", f"/{size}.bin")
            known[size] = (fields["etag"], parsedate_to_datetime(fields["last-modified"]))
        return [
            received(
                *connection.ask(
                    case.method,
                    f"/{case.size}.bin",
                    Range=case.asked,
                    If_Range=validator(case, *known[case.size]),
                )
            )
            for case in cases
        ]
    finally:
        connection.close()


def _configuration(folder: Path, port: int) -> str:
    for size, content in CONTENTS.items():
        path = folder / f"{size}.bin"
        path.write_bytes(content)
        path.chmod(0o644)
    return f"""
        worker_processes 1;
        pid {folder}/nginx.pid;
        events {{ worker_connections 64; }}
        http {{
          access_log off;
          keepalive_requests {2 * CASES};
          client_body_temp_path {folder}/body;
          proxy_temp_path {folder}/proxy;
          fastcgi_temp_path {folder}/fastcgi;
          uwsgi_temp_path {folder}/uwsgi;
          scgi_temp_path {folder}/scgi;
          server {{ listen 127.0.0.1:{port}; root {folder}; }}
        }}
    """


@pytest.fixture(scope="module")
async def nginx_port() -> AsyncIterator[int]:
    """Serve the files by nginx."""
    (port,) = free_ports(1)
    async with own_nginx(lambda folder: _configuration(folder, port), [port]):
        yield port


async def test_it_gives_what_nginx_gives_but_for_what_is_listed(nginx_port: int) -> None:
    """Of 10,000 requests; each kind of difference stands in the table, and each occurs."""
    cases = generated(CASES, seed=1)
    theirs = await asyncio.to_thread(asked_of, nginx_port, cases)
    met: Counter[str] = Counter()
    unlisted = []
    for case, their in zip(cases, theirs, strict=True):
        our = decided(case)
        if our == their:
            met["the same"] += 1
            continue
        kinds = [each.__name__ for each in DIFFERENCES if each(case, our, their)]
        met.update(kinds)
        if not kinds:
            places = [[place for place, _ in each.parts] for each in (our, their)]
            unlisted.append((case, our.status, their.status, *places))

    assert unlisted[:10] == []
    assert met.keys() == {"the same", *(each.__name__ for each in DIFFERENCES)}
    assert met["the same"] > CASES / 2


async def test_the_product_answers_as_is_decided(api: Api) -> None:
    """What is compared above is what clients get, here for some hundreds of the same requests."""
    files = {size: await a_file(api, api.author, CONTENTS[size]) for size in SIZES if size}
    for case in [each for each in generated(END_TO_END * 2, seed=1) if each.size][:END_TO_END]:
        answer = await _answer(api.author, files[case.size], case)

        assert answer == decided(case), case


async def _answer(client: Client, file: StoredFile, case: Case) -> Given:
    tag = (await client.head(file.path)).headers["etag"]
    headers = {"Range": case.asked}
    field = validator(case, tag, MODIFIED)
    if field is not None:
        headers["If-Range"] = field
    answer = await client.send(case.method, file.path, headers=headers)
    return received(answer.status_code, dict(answer.headers), answer.content)
