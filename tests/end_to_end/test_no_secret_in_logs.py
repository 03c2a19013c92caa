"""Searches all that `ledgerpress serve` says, at every level, for secrets: there are none.

Every field and header field that a client sends has a canary in it, also in requests that are
refused, broken, or crash half-way because a table is gone or the database is.
"""

import asyncio
import json
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import redis.asyncio

from commands.mail import TakenMail
from infra.bootstrap import open_product
from infra.embedded.services import Services
from infra.keys import Keys, load_keys
from infra.settings import Settings, load_settings
from tests.support.canaries import Canaries, Serving, serving
from tests.support.log import connected
from tests.support.mail import token_in
from tests.support.serving import environment_of

MARK = "0197d2c4-5b1e-7c3a-9f00-c0ffee5eed00"
"""A path of a request that crashes, which the log names: what shows that a search finds things."""

TABLES = (
    "account_passwords",
    "registrations",
    "mails",
    "sessions",
    "password_resets",
    "person_keys",
)
"""Each is taken away for a while."""
NO_REDIS = "redis://:canary-of-redis@127.0.0.1:1"
CUT = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""


class Person(msgspec.Struct):
    """Somebody with an account."""

    email: str
    password: str
    access: str
    refresh: str


@pytest.fixture
def environment(services: Services, database_url: str, tmp_path: Path) -> dict[str, str]:
    """Give the settings of the process."""
    public = {"LEDGERPRESS_PUBLIC_URL": "http://127.0.0.1:8000"}
    return {**environment_of(services, database_url, tmp_path), **public}


class Mailbox:
    """Reads the messages that wait to be sent, as their receivers would."""

    def __init__(self, database_url: str, environment: dict[str, str], canaries: Canaries) -> None:
        settings = load_settings({k: v for k, v in environment.items() if k.startswith("LEDGER")})
        assert isinstance(settings, Settings)
        keys = load_keys(settings)
        assert isinstance(keys, Keys)
        self._url, self._keys, self._canaries = database_url, keys, canaries
        canaries.keep("access token key", keys.access_token.hex())
        canaries.keep("personal data key", keys.personal_data.hex())

    async def token(self) -> str:
        """Give the token in the newest message."""
        async with open_product(self._url, self._keys) as product:
            taken = await product.mails.take(100, timedelta(seconds=0))
        found = [each for each in taken if isinstance(each, TakenMail)]
        newest = max(found, key=lambda taken: taken.id)
        return self._canaries.keep("token in a message", token_in(newest.mail.text))


async def all_goes_well(serving: Serving, mailbox: Mailbox) -> Person:
    """Register, log in, renew, forget, reset and change a password."""
    canaries = serving.canaries
    email, first = f"{canaries.word('email')}@test.example", canaries.new("password")
    asked = {"email": email, "password": first, "name": canaries.new("name")}
    answers = [await serving.send("POST", "/register", asked)]
    answers.append(await serving.send("POST", "/register/verify", {"token": await mailbox.token()}))
    access, refresh = await serving.tokens(email, first)
    answers.append(await serving.send("POST", "/token/refresh", {"refreshToken": refresh}))
    serving.kept(answers[-1])
    answers.append(await serving.send("POST", "/password/forgot", {"email": email}))
    second, third = canaries.new("password"), canaries.new("password")
    reset = {"token": await mailbox.token(), "password": second}
    answers.append(await serving.send("POST", "/password/reset", reset))
    access, refresh = await serving.tokens(email, second)
    change = {"currentPassword": second, "newPassword": third}
    answers.append(await serving.send("PUT", "/me/password", change, token=access))

    assert [answer.status_code for answer in answers] == [202, 201, 200, 202, 204, 204]
    return Person(email, third, access, refresh)


Request = tuple[str, str, object]


def whole(canaries: Canaries, person: Person) -> list[Request]:
    """Give what goes all the way to the tables, right and wrong."""
    new, word, email, password = canaries.new, canaries.word, person.email, person.password
    another = f"{word('email')}@test.example"
    return [
        ("POST", "/login", {"email": email, "password": new("wrong password")}),
        ("POST", "/login", {"email": another, "password": new("wrong password")}),
        ("POST", "/login", {"email": email, "password": password, "code": word("code")}),
        ("POST", "/register", {"email": another, "password": new("word"), "name": new("name")}),
        ("POST", "/register/verify", {"token": word("token")}),
        ("POST", "/token/refresh", {"refreshToken": word("refresh token")}),
        ("POST", "/password/forgot", {"email": email}),
        ("POST", "/password/reset", {"token": word("token"), "password": new("password")}),
        ("PUT", "/me/password", {"currentPassword": new("wrong"), "newPassword": new("word")}),
        ("POST", "/me/second-factor", {"password": new("wrong")}),
        ("GET", f"/me?token={word('query')}", None),
        ("GET", "/me", None),
        ("GET", f"/posts/{MARK}", None),
    ]


def broken(canaries: Canaries, person: Person) -> list[Request]:
    """Give what is refused before, with a secret in it all the same."""
    new, word, email = canaries.new, canaries.word, person.email
    cut = json.dumps({"email": email, "password": new("cut")}).encode()[:-5]
    return [
        ("POST", "/login", cut),
        ("POST", "/login", b'{"password": "' + new("no UTF-8").encode() + b'\xff"}'),
        ("POST", "/login", {"email": word("no address"), "password": new("password")}),
        ("POST", "/login", {"email": email, "password": [new("password")]}),
        ("POST", "/login", {"email": email, "password": new("password") + "\0"}),
        ("POST", "/login", {word("member"): new("value")}),
        ("POST", "/login", new("not an object")),
        ("POST", f"/login?password={word('query')}", {"email": email}),
        ("POST", "/register", {"email": email, "password": "12345678", "name": new("name")}),
        ("POST", "/token/refresh", {"refreshToken": {word("member"): word("token")}}),
        ("PUT", "/me/password", {"currentPassword": person.password, "newPassword": "12345678"}),
        ("POST", "/logout", {"everywhere": new("not a truth value")}),
    ]


async def sent(serving: Serving, token: str, requests: list[Request]) -> set[int]:
    """Send all at once, and give the statuses that came back."""
    answers = [serving.send(method, path, body, token=token) for method, path, body in requests]
    return {answer.status_code for answer in await asyncio.gather(*answers)}


def files_in(folder: Path) -> bytes:
    """Give the contents of all files, with their names."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"".join(str(path).encode() + path.read_bytes() for path in files)


def servers_said(services: Services) -> bytes:
    """Give the logs of the servers, where the system shows them."""
    pids = (services.postgres.pid, services.nats.pid, services.valkey.pid)
    logs = (Path(f"/proc/{pid}/fd/2") for pid in pids)
    return b"".join(log.read_bytes() for log in logs if log.is_file())


@pytest.mark.timeout(90)
async def test_no_secret_in_any_log(
    environment: dict[str, str], database_url: str, services: Services, tmp_path: Path
) -> None:
    """Not in what the process says at any level, nor in its files, nor in the servers' logs."""
    canaries = Canaries()
    statuses: dict[str, set[int]] = {}
    async with (
        connected(database_url) as owner,
        aclosing(redis.asyncio.from_url(services.redis_url)) as limits,
        serving(environment, canaries) as api,
    ):
        person = await all_goes_well(api, Mailbox(database_url, environment, canaries))
        canaries.keep("hash", await owner.fetchval("select hash from account_passwords"))
        for table in TABLES:
            await limits.flushall()
            await owner.execute(f"alter table {table} rename to gone")
            statuses[table] = await sent(api, person.access, whole(canaries, person))
            await owner.execute(f"alter table gone rename to {table}")
        await limits.flushall()
        await owner.execute(CUT)
        await sent(api, person.access, whole(canaries, person))
        await limits.flushall()
        statuses["broken"] = await sent(api, person.access, broken(canaries, person))
        used_twice = {"refreshToken": person.refresh}
        for _ in range(2):
            await api.send("POST", "/token/refresh", used_twice)
    async with serving(environment | {"LEDGERPRESS_REDIS_URL": NO_REDIS}, canaries) as other:
        statuses["no Redis"] = await sent(other, "none", whole(canaries, person)[:1])

    said = bytes(api.said + other.said)
    assert all(500 in statuses[table] for table in TABLES)
    assert (statuses["broken"], statuses["no Redis"]) == ({400, 422}, {429})
    # That what is written is found: a path that crashed, a line for each level, the key files.
    assert MARK.encode() in said
    assert said.count(b"Traceback (most recent call last)") > len(TABLES)
    assert b"attempts cannot be counted" in said
    assert b"[debug" in said
    assert canaries.found_in(files_in(tmp_path)) == ["access token key", "personal data key"]
    assert canaries.found_in(said) == []
    of_servers = servers_said(services)
    assert b'relation "sessions" does not exist' in of_servers or not of_servers
    assert canaries.found_in(of_servers) == []
