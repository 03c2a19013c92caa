"""Searches all that `ledgerpress dev` says, at every level, for what is secret or personal.

It runs every part in one process: API, scheduler, mailer, jobs, projector, relay. A person logs in,
uploads, exports and downloads; a part of it fails on purpose, so that errors are told with all that
they know. Commands whose settings are wrong are searched as well.
"""

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from domain.file_type import FileType
from tests.support.canaries import Canaries, Serving, serving
from tests.support.log import connected
from tests.support.serving import ROOT
from tests.support.uploading import FORM, SAMPLES, form, part
from tests.support.waiting import eventually

MARK = "0197d2c4-5b1e-7c3a-9f00-c0ffee5eed01"
"""A path of a request that crashes, which the log names: what shows that a search finds things."""
EMAIL = "author@demo.example"


class Person:
    """Somebody who is signed in, and leaves a canary wherever they can."""

    def __init__(self, api: Serving, token: str) -> None:
        self._api = api
        self._token = token

    async def ask(
        self, method: str, path: str, body: bytes = b"", *, media: str | None = None
    ) -> httpx.Response:
        """Send what a good client might, with fields that nobody else should see."""
        word = self._api.canaries.word
        fields = {
            "Authorization": f"Bearer {self._token}",
            "Cookie": f"session={word('cookie')}; theme={word('cookie')}",
            "User-Agent": word("user agent"),
        }
        if method == "POST":
            fields["Idempotency-Key"] = word("key")
        if media is not None:
            fields["Content-Type"] = media
        return await self._api.http.request(method, path, content=body, headers=fields)

    async def upload(self, content: bytes, mime: str) -> httpx.Response:
        """Upload a file whose name tells of its owner."""
        name = f"{self._api.canaries.word('file name')}.pdf"
        body = form(part(content, filename=name, mime=mime))
        return await self.ask("POST", "/upload", body, media=FORM)

    async def export(self) -> httpx.Response:
        """Have an export made, and give the answer once it has ended."""
        where = (await self.ask("POST", "/exports")).headers["location"]
        answers: list[httpx.Response] = []

        async def ended() -> bool:
            answers.append(await self.ask("GET", where))
            return answers[-1].status_code != 200

        assert await eventually(ended, within=30), answers[-1].text
        return answers[-1]


@pytest.mark.timeout(90)
async def test_no_secret_in_what_dev_says(
    database_url: str, nats_url: str, redis_url: str, tmp_path: Path
) -> None:
    """Not a token, a link, a key, an address or a name, whatever goes wrong."""
    canaries = Canaries()
    password = canaries.new("password")
    environment = {
        "PATH": os.environ["PATH"],
        "LEDGERPRESS_DATABASE_URL": database_url,
        "LEDGERPRESS_NATS_URL": nats_url,
        "LEDGERPRESS_REDIS_URL": redis_url,
        "LEDGERPRESS_DATA_DIR": str(tmp_path / "data"),
        "LEDGERPRESS_BIND": "127.0.0.1:0",
        "LEDGERPRESS_DEMO_PASSWORD": password,
    }
    for name, url in {"database": database_url, "NATS": nats_url}.items():
        canaries.keep(f"password of {name}", urlsplit(url).password or "")
    async with (
        connected(database_url) as owner,
        serving(environment, canaries, command="dev") as api,
    ):
        canaries.keep("address", EMAIL)
        access, _ = await api.tokens(EMAIL, password)
        person = Person(api, access)
        good = [
            await person.upload(SAMPLES[FileType.PDF], "application/pdf"),
            await person.upload(SAMPLES[FileType.PDF], "image/png"),
            await api.send("POST", "/password/forgot", {"email": EMAIL}),
        ]
        exported = await person.export()
        link = exported.headers["location"]
        canaries.keep("signature", link.rpartition("signature=")[2])
        good.append(await person.ask("GET", link))
        await owner.execute("alter table jobs rename to gone")
        broken = [
            await person.ask("GET", link),
            await person.ask("GET", f"/exports/{MARK}"),
        ]
        await owner.execute("alter table gone rename to jobs")
        await owner.execute("alter table files rename to gone")
        broken.append(await person.upload(SAMPLES[FileType.PNG], "image/png"))
        broken.append(await person.ask("GET", f"/files/{MARK}?{canaries.word('query')}"))
        await owner.execute("alter table gone rename to files")

    said = bytes(api.said)
    assert [answer.status_code for answer in good] == [201, 415, 202, 200]
    assert [answer.status_code for answer in broken] == [500] * 4
    assert b"a job is done" in said
    assert said.count(b"Traceback (most recent call last)") >= 4
    assert MARK.encode() in said
    assert b"[debug" in said
    shown_on_purpose = rb"  (?:Accounts|Token) .*"  # of the banner
    assert canaries.found_in(re.sub(shown_on_purpose, b"", said)) == []


async def said_by(environment: Mapping[str, str], *arguments: str) -> bytes:
    """Run a command that fails, and give all that it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.cli", *arguments),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(30):
        said, _ = await process.communicate()
    assert process.returncode
    return said


async def test_no_secret_in_what_failing_commands_say(tmp_path: Path) -> None:
    """Neither of settings that are wrong nor of those that lead nowhere."""
    canaries = Canaries()
    word = canaries.word
    folder = {"LEDGERPRESS_DATA_DIR": str(tmp_path)}
    nowhere = f"postgresql://me:{word('password')}@127.0.0.1:1/x?password={word('password')}"
    said = await asyncio.gather(
        said_by({**folder, "LEDGERPRESS_DATABASE_URL": nowhere}, "users", "list"),
        said_by({**folder, "LEDGERPRESS_DATABASE_URL": f"my://u:{word('x')}@h/x"}, "worker"),
        said_by({**folder, "LEDGERPRESS_TRACES_URL": f"grpc://u:{word('x')}@h"}, "config", "show"),
    )

    assert all(b"Error" in each for each in said)
    assert canaries.found_in(b"".join(said)) == []
