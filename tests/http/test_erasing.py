"""Specifies DELETE /me: the person is forgotten for good, and all else goes on."""

import asyncio
import re
from pathlib import Path
from uuid import UUID

import httpx
import msgspec
import pyotp
import pytest
import redis.asyncio
from uuid_utils.compat import uuid7

from api.services import Services
from commands.mail import Mail
from commands.ports import Append, AppendResult
from commands.sessions import Session
from domain.stream import Role
from infra.identity.limits import PREFIX
from infra.identity.personal_data import Erased
from infra.identity.sessions import PostgresSessions
from infra.mail.folder import FolderSender
from infra.store.event_store import PostgresEventStore
from infra.store.verify import verify
from tests.support.http import Client, fields, if_match, problem, tag_of
from tests.support.mail import mails_in, token_in
from tests.support.posts import Post, a_draft, a_post, a_published_post
from tests.support.product import PASSWORD, Api, running_api
from tests.support.signing_in import (
    GOOD,
    applied,
    bearer,
    log_in,
    me,
    renew,
    reset,
    same,
    verified,
)

ADA = "ada@test.example"
KEYED = {"Idempotency-Key": '"a key of ada"'}
STAYS = {"accounts", "events", "posts"}
"""Where an account's id may still stand when its person is erased."""

_GENERATION = re.compile(r"_g\d+\Z")


async def erased(client: Client) -> None:
    """Erase a person."""
    answer = await client.delete("/me")
    assert answer.status_code == 204, answer.text


async def mentioning(api: Api, *texts: str) -> set[str]:
    """Give the tables that have one of these anywhere in a row."""
    found = set()
    async with api.product.database.connection() as connection, connection.transaction():
        await connection.execute("set local role none")  # as the owner, who may see all
        for (table,) in await connection.fetch(
            "select tablename from pg_tables where schemaname = 'public'"
        ):
            query = f"select 1 from {table} as t where t::text like any($1) limit 1"  # noqa: S608 - ours
            if await connection.fetch(query, [f"%{text}%" for text in texts]):
                found.add(_GENERATION.sub("", table))
    return found


async def with_everything(api: Api, client: Client) -> list[httpx.Response]:
    """Leave something of a person wherever a person can, and give the sessions made for it."""
    sessions = [await log_in(api, ADA) for _ in range(2)]
    await renew(api, sessions[0])
    await client.post("/posts", a_draft(slug="kept"), headers=KEYED)
    enrolment = (await client.post("/me/second-factor", {"password": PASSWORD})).json()
    code = pyotp.TOTP(enrolment["secret"]).at(api.clock.now())
    confirmed = await client.post("/me/second-factor/confirm", {"code": code})
    assert confirmed.status_code == 200
    await api.anonymous.post("/password/forgot", {"email": ADA})
    await api.anonymous.post("/register", {"email": ADA, "password": GOOD})
    return sessions


async def test_the_answer(api: Api) -> None:
    """204 with nothing in it, and from then on the token is nobody's."""
    ada = await api.account("ada")
    answer = await ada.delete("/me")

    assert answer.status_code == 204
    assert fields(answer) == {}
    problem(await ada.get("/me"), 401, "invalid_token")
    problem(await ada.delete("/me"), 401, "invalid_token")
    problem(await ada.post("/logout", {"everywhere": True}), 401, "invalid_token")


async def test_a_condition_that_does_not_hold(api: Api) -> None:
    """412 and nothing is erased; with the account's tag, as /users shows it, it is done."""
    ada = await api.account("ada")
    tag = tag_of(await ada.get(f"/users/{ada.account_id}"))

    problem(await ada.send("DELETE", "/me", headers=if_match('"9.9"')), 412, "stale_version")
    problem(await ada.send("DELETE", "/me", headers=if_match("nonsense")), 400, "malformed_header")
    assert (await ada.get("/me")).status_code == 200
    assert (await ada.send("DELETE", "/me", headers=if_match(tag))).status_code == 204


async def test_nobody_signs_in_any_more(api: Api) -> None:
    """The address is as unknown as one that never was, and its refresh tokens are worth nothing."""
    ada = await api.account("ada")
    tokens = await log_in(api, ADA)
    await erased(ada)
    answers = [await log_in(api, email) for email in (ADA, "nobody@test.example")]

    problem(answers[0], 401, "invalid_credentials")
    assert same(*answers)
    problem(await renew(api, tokens), 401, "invalid_refresh_token")
    problem(await me(api, tokens), 401, "invalid_token")


async def test_the_address_is_free(api: Api) -> None:
    """Whoever registers it again is a new person with a new id, and nothing of the old one."""
    ada = await api.account("ada", Role.ADMIN)
    post = await a_published_post(await _as_author(api, ada))
    await erased(ada)
    created = await verified(api, await applied(api, ADA))
    again = await log_in(api, ADA, GOOD)
    own = (await me(api, again)).json()

    assert created.status_code == 201
    assert own["id"] == created.json()["id"] != str(ada.account_id)
    assert (own["roles"], own["version"]) == (["author"], 1)
    edit = await api.anonymous.patch(
        post.path, {"title": "Mine"}, headers=bearer(again) | {"If-Match": "*"}
    )
    problem(edit, 403, "forbidden")


async def test_posts_stay(api: Api) -> None:
    """With the same bytes and the same author's id; of the author it says that they are gone."""
    ada = await api.account("ada", Role.AUTHOR)
    post = await a_published_post(ada)
    draft = await a_post(ada, slug="a-draft")
    before = await api.anonymous.get(post.path)
    await erased(ada)
    after = await api.anonymous.get(post.path)

    assert after.content == before.content
    assert after.headers["etag"] == before.headers["etag"]
    assert after.json()["authorId"] == str(ada.account_id)
    problem(await api.admin.get(f"/users/{ada.account_id}"), 410, "gone")
    edited = await Post(api.admin, await api.admin.get(draft.path)).edit(title="By an admin")
    assert edited.body["authorId"] == str(ada.account_id)


async def test_everything_replays(api: Api) -> None:
    """The log and every table made from it agree, and what was personal cannot be read."""
    ada = await api.account("ada", Role.AUTHOR)
    await with_everything(api, ada)
    change = {"currentPassword": PASSWORD, "newPassword": GOOD}
    assert (await ada.send("PUT", "/me/password", change)).status_code == 204
    await erased(ada)
    report = await verify(api.product.database, api.product.codec, lambda *_: None)
    history = await api.auditor.get(f"/streams/account/{ada.account_id}")
    items = history.json()["items"]

    assert report.sound
    assert history.status_code == 200
    assert items[-1]["data"] == {"type": "account.erased.v1"}
    assert items[-1]["metadata"]["command"] == "EraseAccount"
    assert items[-1]["metadata"]["actor"] == str(ada.account_id)
    assert ADA not in history.text
    first = items[0]
    opened = await api.product.personal_data.open(
        ada.account_id, UUID(first["eventId"]), "email", first["data"]["email"]
    )
    assert opened == Erased()


async def test_every_row_goes(api: Api) -> None:
    """But for the log, the account's empty row, and the posts; other people keep theirs."""
    ada, eve = await api.account("ada", Role.AUTHOR), await api.account("eve")
    sessions = await with_everything(api, ada)
    of_eve = await log_in(api, "eve@test.example")
    await api.anonymous.post("/password/forgot", {"email": "eve@test.example"})
    email_hash = api.product.personal_data.email_hash(ADA)
    ids = [str(ada.account_id), email_hash]
    ids += [(await me(api, each)).json()["session"] for each in sessions]
    before = await mentioning(api, *ids)
    everything = await _counted(api)
    await erased(ada)

    assert before >= STAYS | {
        "account_passwords",
        "claims",
        "idempotency_keys",
        "mails",
        "password_resets",
        "person_keys",
        "recovery_codes",
        "registrations",
        "second_factors",
        "sessions",
    }
    assert await mentioning(api, *ids) == STAYS
    assert await mentioning(api, email_hash) == {"events"}
    (row,) = await api.product.database.fetch(
        "select email_hash, roles, disabled, second_factor, erased from accounts where id = $1",
        ada.account_id,
    )
    assert tuple(row) == ("", [], False, False, True)
    left = await _counted(api)
    assert left == {
        "mails": 1,
        "password_resets": 1,
        "recovery_codes": 0,
        "refresh_tokens": everything["refresh_tokens"] - 4,
        "registrations": 0,
    }
    assert (await renew(api, of_eve)).status_code == 200
    assert (await eve.get("/me")).status_code == 200


async def test_what_redis_counted_goes(api: Api, redis_url: str) -> None:
    """The person's keys are removed; those of others and of networks stay."""
    ada = await api.account("ada")
    await api.account("eve")
    cache = redis.asyncio.from_url(redis_url, decode_responses=True)
    for email in (ADA, "eve@test.example"):
        await log_in(api, email, "wrong")
    of_two = set(await cache.keys(f"{PREFIX}subject:*"))
    change = {"currentPassword": "wrong", "newPassword": GOOD}
    await ada.send("PUT", "/me/password", change)
    before = set(await cache.keys(f"{PREFIX}subject:*"))
    await erased(ada)
    after = set(await cache.keys(f"{PREFIX}subject:*"))
    networks = await cache.keys(f"{PREFIX}network:*")
    await cache.aclose()

    assert (len(of_two), len(before), len(after)) == (2, 3, 1)
    assert after < of_two
    assert networks


async def test_without_redis(database_url: str) -> None:
    """It is done all the same: what is counted goes by itself."""
    async with running_api(database_url) as api:
        await erased(api.author)

        problem(await api.author.get("/me"), 401, "invalid_token")


async def test_what_was_sent_before_opens_nothing(api: Api) -> None:
    """Neither a token for a new password nor one of a registration that waited."""
    ada = await api.account("ada")
    await api.anonymous.post("/password/forgot", {"email": ADA})
    (mail,) = await api.mails()
    token = token_in(mail.text)
    await erased(ada)
    before = await api.events()

    problem(await reset(api, token), 422, "email_token_unknown")
    assert await api.mails() == []
    assert await api.events() == before


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "error"),
    [
        ("/me?sure=yes", {"Accept": "text/html"}, b"[", 400, "bad_parameter"),
        ("/me", {"Accept": "text/html"}, b"[", 406, "not_acceptable"),
        ("/me", {}, b'{"password": "x"}', 400, "invalid_body"),
    ],
)
async def test_what_it_does_not_take(
    api: Api, path: str, headers: dict[str, str], body: bytes, status: int, error: str
) -> None:
    """Nobody is erased by a request that is not plainly this one."""
    ada = await api.account("ada")
    before = await api.events()

    problem(await ada.send("DELETE", path, body, headers=headers), status, error)
    problem(await api.anonymous.send("DELETE", path, body), 401, "unauthenticated")
    assert await api.events() == before
    assert (await ada.get("/me")).status_code == 200


async def test_of_many_at_once_one_does_it(api: Api) -> None:
    """The log says it once; the others find the account gone."""
    ada = await api.account("ada")
    others = [await api.client(ada.account_id) for _ in range(3)]
    before = await api.events()
    answers = await asyncio.gather(*(each.delete("/me") for each in (ada, *others)))
    statuses = sorted(answer.status_code for answer in answers)

    assert statuses[0] == 204
    assert set(statuses[1:]) <= {401, 410}
    assert await api.events() == before + 1


async def test_in_another_process(database_url: str, redis_url: str) -> None:
    """At once, also for what the other one remembers; and of two at once one does it."""
    async with (
        running_api(database_url, redis_url=redis_url) as one,
        running_api(database_url, redis_url=redis_url) as two,
    ):
        ada = await one.account("ada", Role.AUTHOR)
        elsewhere = Client(two.anonymous.http, ada.token, ada.account_id)
        assert (await elsewhere.post("/posts", a_draft())).status_code == 201
        assert (await two.admin.get(f"/users/{ada.account_id}")).status_code == 200
        before = await one.events()
        answers = await asyncio.gather(ada.delete("/me"), elsewhere.delete("/me"))
        late = await elsewhere.post("/posts", a_draft(slug="late"))
        disabled = await two.admin.post(f"/users/{ada.account_id}/disable")

        assert min(answer.status_code for answer in answers) == 204
        assert max(answer.status_code for answer in answers) in {401, 410}
        problem(late, 401, "invalid_token")
        problem(disabled, 410, "gone")
        problem(await log_in(two, ADA), 401, "invalid_credentials")
        assert await one.events() == before + 1


async def test_who_signs_in_at_that_moment(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password was right, the session is over before it begins, and no row is left of it."""
    ada = await api.account("ada")
    start = PostgresSessions.start

    async def late(store: PostgresSessions, session: Session, refresh_hash: bytes) -> None:
        await erased(ada)
        await start(store, session, refresh_hash)

    monkeypatch.setattr(PostgresSessions, "start", late)
    tokens = await log_in(api, ADA)

    problem(await me(api, tokens), 401, "invalid_token")
    problem(await renew(api, tokens), 401, "invalid_refresh_token")
    assert await mentioning(api, str(ada.account_id)) == {"accounts", "events"}


async def test_who_writes_at_that_moment(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is appended after the end, and no answer is kept for a key."""
    ada = await api.account("ada", Role.AUTHOR)
    append = PostgresEventStore.append

    async def late(store: PostgresEventStore, what: Append) -> AppendResult:
        monkeypatch.setattr(PostgresEventStore, "append", append)
        await erased(ada)
        return await append(store, what)

    before = await api.events()
    monkeypatch.setattr(PostgresEventStore, "append", late)
    answer = await ada.post("/posts", a_draft(), headers=KEYED)

    problem(answer, 401, "invalid_token")
    assert await api.events() == before + 1
    assert await mentioning(api, str(ada.account_id)) == {"accounts", "events"}


class _Folder(FolderSender):
    """A folder of messages in which something happens when a person is first forgotten."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "no-reply@test.example")
        self.forgotten = 0
        self.fails = False

    def put_into(self, services: Services) -> Services:
        """Let the product send messages here."""
        identity = msgspec.structs.replace(services.identity, mail_sender=self)
        return msgspec.structs.replace(services, identity=identity)

    async def forget(self, to: str) -> None:
        """Forget, and have another message sent once, as a mailer does meanwhile."""
        if self.fails:
            raise PermissionError("the folder cannot be read")
        await super().forget(to)
        self.forgotten += 1
        if self.forgotten == 1:
            await self.send(uuid7(), Mail(ADA, "Late", "Text."))


async def test_messages_in_a_folder(database_url: str, tmp_path: Path) -> None:
    """They go, also those that are sent while it is done; those to others stay."""
    folder = _Folder(tmp_path)
    async with running_api(database_url, alter=folder.put_into) as api:
        ada = await api.account("ada")
        for to in (ADA, "eve@test.example"):
            await folder.send(uuid7(), Mail(to, "News", "Text."))
        await erased(ada)

    assert [mail["To"] for mail in mails_in(tmp_path)] == ["eve@test.example"]


async def test_after_a_failure_it_can_be_done_again(database_url: str, tmp_path: Path) -> None:
    """Where something outside the database cannot be removed nothing has happened yet."""
    folder = _Folder(tmp_path)
    async with running_api(database_url, alter=folder.put_into) as api:
        ada = await api.account("ada")
        before = await api.events()
        folder.fails = True
        problem(await ada.delete("/me"), 500, "internal_error")
        assert (await ada.get("/me")).status_code == 200
        assert await api.events() == before
        folder.fails = False
        await erased(ada)
        assert await api.events() == before + 1


async def _as_author(api: Api, client: Client) -> Client:
    """Let somebody write as well."""
    roles = {"roles": ["admin", "author"]}
    answer = await api.admin.post(f"/users/{client.account_id}/role", roles)
    assert answer.status_code == 200
    return client


async def _counted(api: Api) -> dict[str, int]:
    """Count the rows of the tables that say not whose they are."""
    tables = ("mails", "password_resets", "recovery_codes", "refresh_tokens", "registrations")
    counts = ", ".join(f"(select count(*) from {table}) as {table}" for table in tables)  # noqa: S608 - ours
    (row,) = await api.product.database.fetch(f"select {counts}")
    return dict(row)
