"""Specifies ranges request by request (HTTP contract, 18); every set is in tests/commands."""

import re

import pytest

from tests.http.test_download import EARLIER, LATER, MODIFIED, digest_of, tag_of
from tests.support.http import fields, problem
from tests.support.product import Api
from tests.support.stored_files import a_file, some_bytes

CONTENT = some_bytes(600_000, seed=2)
"""More than is read at once."""


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-299999", 100, 299_999),
        ("bytes=599999-", 599_999, 599_999),
        ("bytes=1000-", 1000, 599_999),
        ("bytes=-500", 599_500, 599_999),
        ("bytes=-9999999", 0, 599_999),
        ("bytes=599990-700000", 599_990, 599_999),
        ("bytes=5-9,600000-", 5, 9),
    ],
)
async def test_one_range(api: Api, asked: str, first: int, last: int) -> None:
    """206 with exactly these bytes; all else is said as of the whole."""
    file = await a_file(api, api.author, CONTENT)
    whole = await api.author.get(file.path)
    answer = await api.author.get(file.path, headers={"Range": asked})

    assert answer.status_code == 206
    assert answer.content == CONTENT[first : last + 1]
    assert fields(answer) == {
        **fields(whole),
        "content-range": f"bytes {first}-{last}/600000",
    }


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        ("bytes=0-0,-1", [(0, 0), (599_999, 599_999)]),
        ("bytes=400000-599999,10-399999", [(400_000, 599_999), (10, 399_999)]),
        (
            "bytes=" + ",".join(f"{n * 1000}-{n * 1000 + 9}" for n in range(10)),
            [(n * 1000, n * 1000 + 9) for n in range(10)],
        ),
    ],
)
async def test_several_ranges(api: Api, asked: str, parts: list[tuple[int, int]]) -> None:
    """One body of several parts, in order, of the length that was said before."""
    file = await a_file(api, api.author, CONTENT)
    whole = await api.author.get(file.path)
    answer = await api.author.get(file.path, headers={"Range": asked})

    kind = answer.headers["content-type"]
    found = re.fullmatch(r"multipart/byteranges; boundary=([0-9a-f]{32})", kind)
    assert found is not None, kind
    expected = b"\r\n".join(
        b"--%b\r\ncontent-type: image/png\r\ncontent-range: bytes %d-%d/600000\r\n\r\n%b"
        % (found[1].encode(), first, last, CONTENT[first : last + 1])
        for first, last in parts
    )
    assert answer.status_code == 206
    assert answer.content == expected + b"\r\n--%b--\r\n" % found[1].encode()
    assert fields(answer) == {**fields(whole), "content-type": kind}


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=600000-",
        "bytes=-0",
        "bytes=9-5",
        "bytes=nonsense",
        "bytes=0-9,5-14",
        "bytes=" + ",".join(f"{n * 10}-{n * 10}" for n in range(11)),
        "bytes=0-" + "".join(f",5-{n}" for n in range(1300)),
        "bytes=0-9, bytes=20-29",
    ],
)
async def test_what_cannot_be_given(api: Api, asked: str) -> None:
    """416, which says how much there is."""
    file = await a_file(api, api.author, CONTENT)
    answer = await api.author.get(file.path, headers={"Range": asked})

    assert problem(answer, 416, "range_not_satisfiable")["size"] == 600_000
    assert answer.headers["content-range"] == "bytes */600000"


async def test_two_range_fields_are_one_wrong_list(api: Api) -> None:
    """Neither the first nor the last of two contradicting fields is taken in silence."""
    file = await a_file(api, api.author, CONTENT)
    twice = [("Range", "bytes=0-9"), ("Range", "bytes=20-29")]

    problem(await api.author.get(file.path, headers=twice), 416, "range_not_satisfiable")


@pytest.mark.parametrize("asked", ["items=0-9", "0-9", ""])
async def test_an_unknown_unit_is_ignored(api: Api, asked: str) -> None:
    """200 with all of it."""
    file = await a_file(api, api.author, CONTENT)
    answer = await api.author.get(file.path, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize(
    ("if_range", "status"),
    [
        ("TAG", 206),
        (MODIFIED, 206),
        ("Sunday, 01-Mar-26 09:00:00 GMT", 206),
        ("W/TAG", 200),
        ('"other"', 200),
        ("TAG, TAG", 200),
        ("*", 200),
        (EARLIER, 200),
        (LATER, 200),
        ("nonsense", 200),
    ],
)
async def test_if_range_compares_strongly(api: Api, if_range: str, status: int) -> None:
    """The range holds for exactly these bytes, else all of them are sent."""
    file = await a_file(api, api.author, CONTENT)
    headers = {"Range": "bytes=0-9", "If-Range": if_range.replace("TAG", tag_of(file))}
    answer = await api.author.get(file.path, headers=headers)

    assert answer.status_code == status
    assert answer.content == (CONTENT[:10] if status == 206 else CONTENT)


async def test_the_digest_of_a_part(api: Api) -> None:
    """Content-Digest is that of what this answer holds, also of several parts."""
    file = await a_file(api, api.author, CONTENT)
    for asked in ("bytes=5-499999", "bytes=0-9,20-29"):
        headers = {"Range": asked, "Want-Content-Digest": "sha-256=1"}
        answer = await api.author.get(file.path, headers=headers)

        assert answer.status_code == 206
        assert answer.headers["content-digest"] == digest_of(answer.content)
        assert answer.headers["repr-digest"] == digest_of(CONTENT)


async def test_all_of_it_in_ranges(api: Api) -> None:
    """A download that goes on again and again ends with the same bytes."""
    file = await a_file(api, api.author, CONTENT)
    got = b""
    while len(got) < len(CONTENT):
        asked = {"Range": f"bytes={len(got)}-{len(got) + 99_999}", "If-Range": tag_of(file)}
        answer = await api.author.get(file.path, headers=asked)
        assert answer.status_code == 206
        got += answer.content

    assert got == CONTENT
