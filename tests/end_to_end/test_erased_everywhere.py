"""An erased person is nowhere: in no table, no file, no message, no key, and no line of a log.

The product is a whole one, as `ledgerpress dev` runs it. Sealed data may still be in the files of
the database; what is searched for is anything that can be read.
"""

import asyncio
import base64
import io
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import nats
import pytest
import redis.asyncio
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from infra.running import Running, find_running
from tests.end_to_end.test_cli import Dev, Machine
from tests.support.http import client_of_nobody
from tests.support.mail import mails_in, text_of, token_in
from tests.support.ports import free_ports
from tests.support.services import data_folder
from tests.support.traces import Traces
from tests.support.waiting import eventually

PERSONAL = ("email", "name", "file name", "bytes of a file")
PASSWORDS = ("password", "second password", "wrong password")
PLANTED = "planted"


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Give a DATA_DIR and a port that is free."""
    with data_folder() as folder:
        yield Machine(folder, *free_ports(1))


class Person(msgspec.Struct):
    """Somebody who uses the product, and words of theirs that are nowhere else."""

    http: httpx.AsyncClient
    mail: Path
    words: dict[str, str]
    token: str = ""

    @property
    def email(self) -> str:
        """Their address."""
        return f"{self.words['email']}@Mail.Example"

    async def send(
        self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """Send a request, with the access token if there is one."""
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        return await self.http.request(method, path, json=body, headers=headers)

    async def expect(
        self, status: int, method: str, path: str, body: dict[str, Any] | None = None
    ) -> Any:  # noqa: ANN401 - JSON
        """Send a request that is answered with this status, and give the JSON."""
        answer = await self.send(method, path, body)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def token_by_mail(self, subject: str) -> str:
        """Wait for a message, and give the token in it."""
        found: list[str] = []

        async def come() -> bool:
            own = [mail for mail in mails_in(self.mail) if mail["To"] == self.email]
            found[:] = [text_of(mail) for mail in own if mail["Subject"] == subject]
            return bool(found)

        assert await eventually(come)
        return token_in(found[0])


async def uploaded(ada: Person) -> str:
    """Upload an image with words of the person's in its name and in its bytes, and see it."""
    said = PngInfo()
    said.add_text("Comment", ada.words["bytes of a file"])
    picture = io.BytesIO()
    Image.new("RGB", (400, 300), "teal").save(picture, "PNG", pnginfo=said)
    name = f"{ada.words['file name']}.png"
    headers = {"Authorization": f"Bearer {ada.token}"}
    form = {"file": (name, picture.getvalue(), "image/png")}
    answer = await ada.http.post("/upload", files=form, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    seen = await ada.send("GET", f"/files/{made['id']}")
    assert seen.content == picture.getvalue()
    assert made["name"] == name
    return str(made["id"])


async def files_gone(data_dir: Path) -> None:
    """Wait until no blob is left, not even of what a worker made of an image meanwhile."""
    blobs = data_dir / "files"

    async def none_left() -> bool:
        return not [each for each in blobs.rglob("*") if each.is_file()]

    assert await eventually(none_left)


async def a_life(ada: Person, admin: Person) -> None:
    """Use the product in every way that has to do with who one is, rightly and wrongly."""
    words, expect = ada.words, ada.expect
    password, second = f"{words['password']} sings", f"{words['second password']} sings"
    wrong = f"{words['wrong password']} sings"
    name = f"Ada {words['name']}"
    await expect(202, "POST", "/register", {"email": ada.email, "password": password, "name": name})
    token = await ada.token_by_mail("Confirm your address")
    account = await expect(201, "POST", "/register/verify", {"token": token})
    await expect(202, "POST", "/register", {"email": ada.email, "password": wrong, "name": name})
    await expect(401, "POST", "/login", {"email": ada.email, "password": wrong})
    await expect(400, "POST", "/login", {"email": f"{ada.email} {name}", "password": wrong})
    asked = {"email": ada.email, "password": password}
    elsewhere = (await expect(200, "POST", "/login", asked))["token"]
    tokens = await expect(200, "POST", "/login", asked)
    ada.token = tokens["token"]
    tokens = await expect(200, "POST", "/token/refresh", {"refreshToken": tokens["refreshToken"]})
    ada.token = tokens["token"]
    assert (await expect(200, "GET", "/me"))["email"] == ada.email
    cover = await uploaded(ada)
    draft = {"title": "A post", "content": "Text.", "category": "tech", "coverImage": cover}
    made = await ada.send("POST", "/posts", draft, **{"Idempotency-Key": '"a key"'})
    assert made.status_code == 201, made.text
    await expect(200, "POST", f"{made.headers['location']}/publish")
    await expect(404, "GET", f"/posts/slug/{words['email']}?name={words['name']}")
    await expect(403, "PUT", "/me/password", {"currentPassword": wrong, "newPassword": second})
    change = {"currentPassword": password, "newPassword": second}
    await expect(204, "PUT", "/me/password", change)
    await expect(200, "POST", "/me/second-factor", {"password": second})
    ended = await ada.send("POST", "/logout", None, Authorization=f"Bearer {elsewhere}")
    assert ended.status_code == 401
    found = await admin.expect(200, "GET", f"/users?email={ada.email}")
    assert found["items"][0]["name"] == name
    assert (await admin.expect(200, "GET", f"/users/{account['id']}"))["email"] == ada.email
    await expect(202, "POST", "/password/forgot", {"email": ada.email})
    await ada.token_by_mail("Choose a new password")


async def plant(running: Running, data_dir: Path, word: str) -> None:
    """Leave a word in every kind of place, so that the search shows that it looks there."""
    owner = await asyncpg.connect(running.database_url)
    await owner.execute("create table planted (form text, bytes bytea)")
    forms = (word.upper(), base64.b64encode(f"a {word}".encode()).decode())
    for form in forms:
        await owner.execute("insert into planted values ($1, $2)", form, word.encode("utf-16"))
    await owner.execute("checkpoint")
    await owner.close()
    cache = redis.asyncio.from_url(running.redis_url)
    await cache.hset("planted", word, "1")
    await cache.aclose()
    client = await nats.connect(running.nats_url)
    jetstream = client.jetstream()
    await jetstream.add_stream(name="planted", subjects=["planted"])
    await jetstream.publish("planted", word.encode().hex().encode())
    await client.close()
    (data_dir / "planted").write_text(word)


async def forgotten_of_mail(running: Running, ada: Person) -> None:
    """Wait until no message to the person waits to be sent, nor lies in the folder."""
    owner = await asyncpg.connect(running.database_url)

    async def none_left() -> bool:
        waiting: int = await owner.fetchval("select count(*) from mails")
        return not waiting and not [m for m in mails_in(ada.mail) if m["To"] == ada.email]

    assert await eventually(none_left)
    await owner.close()


WORD = "Canary7aZ"
FORMS = {
    "as it is": WORD.encode(),
    "in another case": WORD.upper().encode(),
    "UTF-16": WORD.encode("utf-16"),
    "UTF-16, in lower case, with the high byte first": WORD.lower().encode("utf-16-be"),
    "hexadecimal": WORD.encode().hex().upper().encode(),
    "hexadecimal in lower case": WORD.lower().encode().hex().encode(),
    "hexadecimal UTF-16": WORD.encode("utf-16-le").hex().encode(),
    **{
        f"Base64 after {n}": base64.b64encode(b"?>~"[:n] + WORD.encode() + b"~?>") for n in range(4)
    },
    "Base64 for URLs": base64.urlsafe_b64encode(b"~~" + WORD.lower().encode()),
    "Base64 of UTF-16": base64.b64encode(b"x" + WORD.encode("utf-16-le")),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_search_knows(form: bytes) -> None:
    """Every form in which a word could be read is found, and no other word."""
    traces = Traces({"word": WORD, "another": "Canary7bZ"})

    assert [*traces.in_bytes(b"before " + form + b" after")] == ["word"]


async def test_nowhere(machine: Machine) -> None:
    """Before, what is personal is in messages alone, and a password nowhere; then all is gone."""
    data_dir = machine.folder / "data"
    names = (*PERSONAL, *PASSWORDS, PLANTED)
    words = {name: f"Canary{secrets.token_hex(8)}Zz" for name in names}
    traces = Traces(words)
    dev = Dev(machine)
    try:
        await asyncio.to_thread(dev.banner)
        running = find_running(data_dir)
        assert running is not None
        urls = (running.database_url, running.redis_url, running.nats_url)
        async with client_of_nobody(f"http://127.0.0.1:{machine.port}") as http:
            admin, ada = [Person(http, data_dir / "mail", words) for _ in range(2)]
            demo = (data_dir / "demo-password").read_text().strip()
            asked = {"email": "admin@demo.example", "password": demo}
            admin.token = (await admin.expect(200, "POST", "/login", asked))["token"]
            await a_life(ada, admin)
            alive = await traces.in_services(*urls) | traces.in_files(machine.folder)
            await ada.expect(204, "DELETE", "/me")
            await ada.expect(401, "POST", "/logout", {"everywhere": True})
            posts = (await admin.expect(200, "GET", "/posts?limit=1"))["items"]
            await forgotten_of_mail(running, ada)
            await files_gone(data_dir)
        await plant(running, data_dir, words[PLANTED])
        erased = await traces.in_services(*urls)
        assert await asyncio.to_thread(dev.stop) == 0
    finally:
        dev.process.kill()
        dev.process.wait()
    erased |= traces.in_files(machine.folder)

    assert posts
    before = {(word, "/".join(place.split("/")[:2])) for word, place in alive}
    assert {place for _, place in before} == {"data/mail", "data/files"}, sorted(alive)
    assert {("email", "data/mail"), ("bytes of a file", "data/files")} <= before
    assert "file name" not in {word for word, _ in before}
    assert not {word for word, _ in alive} & set(PASSWORDS)
    assert {word for word, _ in erased} == {PLANTED}
    places = {place for _, place in erased}
    assert places >= {"table public.planted", "Redis", "stream planted", "data/planted"}
    kinds = {"/".join(place.split("/")[:3]) for place in places}
    assert kinds >= {"data/embedded/postgres", "data/embedded/nats"}, json.dumps(sorted(places))
