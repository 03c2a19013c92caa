"""Specifies that bad input is refused: clearly, with nothing stored, and never as a crash.

The requests are written as raw bytes, as no client library would send them.
"""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from api.problem_catalogue import CATALOGUE
from tests.http import hostile_bodies, hostile_heads
from tests.support.http import RawAnswer, RawConnection
from tests.support.posts import Post, a_draft, a_published_post
from tests.support.product import Api

SEED = 20_260_301
MUTATED_BODIES = 250
MUTATED_REQUESTS = 250

DELIBERATE = {501, 505}
"""An unknown method and another major version: RFC 9110 has 5xx for these."""

OK = 200
REFUSED = 400
CRASHED = 500


class Attack(NamedTuple):
    """A request, and what a refusal must name; None where no one thing is at fault."""

    request: bytes
    fault: str | None = None
    must_fail: bool = False

    @property
    def method(self) -> str:
        """The method, as it stands in the request line."""
        return self.request.partition(b" ")[0].decode("latin-1")


def request(
    api: Api, method: str, target: bytes, *fields: tuple[bytes, bytes], body: bytes | None = None
) -> bytes:
    """Write a request of the author's; fields that are given go before those of the plain one."""
    plain = {
        b"Host": api.host.encode(),
        b"Authorization": f"Bearer {api.author.token()}".encode(),
    }
    if body is not None:
        merging = method == "PATCH"
        plain[b"Content-Type"] = b"application/" + (b"merge-patch+json" if merging else b"json")
        plain[b"Content-Length"] = b"%d" % len(body)
    given = {name for name, _ in fields}
    lines = [*((name, value) for name, value in plain.items() if name not in given), *fields]
    head = b"".join(b"%b: %b\r\n" % line for line in lines)
    return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method.encode(), target, head, body or b"")


def fault_in(answer: RawAnswer, attack: Attack) -> str | None:
    """Say what is wrong with the answer, or nothing."""
    if answer.status < REFUSED:
        return "was accepted" if attack.must_fail else None
    if answer.status >= CRASHED and answer.status not in DELIBERATE:
        return "crashed"
    if attack.method == "HEAD":
        return None
    if answer.field("content-type") != "application/problem+json":
        return "is no problem"
    members = json.loads(answer.body)
    error = members.get("error")
    if error not in CATALOGUE or not answer.status == members["status"] == CATALOGUE[error].status:
        return "has an unknown error"
    if members["requestId"] != answer.field("x-request-id"):
        return "has another request id"
    if attack.fault is not None and attack.fault not in (members.get("member") or ""):
        return f"does not name {attack.fault!r}"
    return None


async def assert_all_refused(api: Api, attacks: Iterable[Attack]) -> int:
    """Send each request on connections that are kept while the server keeps them."""
    count, wrong = 0, list[str]()
    events = await api.events()
    waiting = list(reversed(list(attacks)))
    while waiting:
        async with api.raw() as connection:
            open_still = True
            while waiting and open_still:
                attack = waiting.pop()
                count += 1
                answer = await _ask(connection, attack)
                open_still = answer.field("connection") != "close"
                fault = fault_in(answer, attack)
                now = await api.events()
                if answer.status >= REFUSED and now != events:
                    fault = "stored something"
                events = now
                if fault is not None:
                    shown = f"{attack.request[:300]!r}... -> {answer.status} {answer.body[:300]!r}"
                    wrong.append(f"{fault}: {shown}")

    assert not wrong, f"{len(wrong)} of {count}:\n" + "\n".join(wrong[:20])
    assert (await api.anonymous.get("/livez")).status_code == OK
    return count


async def _ask(connection: RawConnection, attack: Attack) -> RawAnswer:
    await connection.send(attack.request)
    return await connection.answer(attack.method)


def _bodies(
    api: Api,
    post: Post,
    sent: Iterable[tuple[hostile_bodies.Target, hostile_bodies.Sent]],
    *,
    must_fail: bool,
) -> Iterator[Attack]:
    for target, (body, fault) in sent:
        path = f"/posts{target.below.format(id=post.id)}".encode()
        client = api.admin if "legal-hold" in target.below else api.author
        fields = [(b"Authorization", f"Bearer {client.token()}".encode())]
        if target.method == "PATCH":
            fields.append((b"If-Match", b"*"))
        yield Attack(request(api, target.method, path, *fields, body=body), fault, must_fail)


async def test_bad_members(api: Api) -> None:
    """Each member of each request, spoilt in every way: the refusal names it."""
    post = await a_published_post(api.author)
    await post.do("unpublish")
    attacks = _bodies(api, post, hostile_bodies.of_members(), must_fail=True)

    assert await assert_all_refused(api, attacks) > 500


async def test_bad_texts(api: Api) -> None:
    """What is no JSON object is refused by every request that takes one."""
    post = await a_published_post(api.author)
    attacks = _bodies(api, post, hostile_bodies.of_texts(), must_fail=True)

    assert await assert_all_refused(api, attacks) > 300


async def test_damaged_bodies(api: Api) -> None:
    """Good bodies damaged at random are refused, or are good still."""
    post = await a_published_post(api.author)
    attacks = _bodies(api, post, hostile_bodies.mutated(SEED, MUTATED_BODIES), must_fail=False)

    assert await assert_all_refused(api, attacks) == MUTATED_BODIES


async def test_bad_fields(api: Api) -> None:
    """Every field that we read, and some that we do not, with every odd value."""
    post = await a_published_post(api.author)
    draft = json.dumps(a_draft(slug="only-once")).encode()
    attacks = [
        Attack(request(api, method, target, (field, value), body=body))
        for field in hostile_heads.FIELDS
        for number, value in enumerate(hostile_heads.VALUES)
        for method, target, body in [
            (
                ("GET", post.path.encode(), None),
                ("PATCH", post.path.encode(), b'{"title":"A title"}'),
                ("POST", b"/posts", draft),
            )[number % 3]
        ]
    ]

    assert await assert_all_refused(api, attacks) > 1_000


async def test_bad_conditions_name_their_field(api: Api) -> None:
    """A malformed list of tags, in every shape, on reading and on writing."""
    post = await a_published_post(api.author)
    malformed = [
        value for value in hostile_heads.VALUES if value[:1] in (b"a", b"'", b"w", b"{", b"<")
    ]
    attacks = [
        Attack(
            request(api, method, post.path.encode(), (field, value)), field.decode(), must_fail=True
        )
        for field in (b"If-Match", b"If-None-Match")
        for value in malformed
        for method in ("GET", "DELETE")
    ]

    assert await assert_all_refused(api, attacks) > 30


async def test_bad_targets(api: Api) -> None:
    """Ids, slugs, numbers, cursors, times and whole queries that are none."""
    post = await a_published_post(api.author)
    paths = [
        Attack(request(api, method, target % value))
        for target in hostile_heads.TARGETS
        for value in hostile_heads.IDS
        for method in ("GET", "DELETE")
    ]
    queries = [
        Attack(request(api, "GET", target.replace(b"{id}", post.id.encode()) % query))
        for target in hostile_heads.LISTS
        for query in hostile_heads.QUERIES
    ]

    assert await assert_all_refused(api, paths + queries) > 800


async def test_bad_bytes(api: Api) -> None:
    """What is hardly HTTP is answered or cut off, and harms nobody else."""
    good = request(api, "POST", b"/posts?x=1", body=json.dumps(a_draft()).encode())
    host = b"Host: %b\r\n" % api.host.encode()
    whole = [each.replace(b"{h}", host) for each in hostile_heads.RAW]
    before = await api.events()
    for sent in (*whole, *hostile_heads.mutated(SEED, MUTATED_REQUESTS, good)):
        async with api.raw() as connection:
            await connection.send(sent)
            heard = await connection.finish()
        status = int(heard[9:12]) if heard else 0
        assert not heard or heard.startswith(b"HTTP/1.1 "), (sent, heard)
        assert status < CRASHED or status in DELIBERATE, (sent, heard)
        assert b"Traceback" not in heard

    # Only a request whose question mark was damaged can have been good.
    assert await api.events() - before <= 3
    assert (await api.anonymous.get("/posts")).status_code == OK
