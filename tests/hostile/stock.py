"""Things to ask for, in the state that an operation wants, and words that only the product knows.

Whatever is made here is made over HTTP, by whoever may; nothing is judged.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import count
from typing import Any
from uuid import UUID

import pyotp

from tests.hostile.answers import Visitor
from tests.hostile.target import HOOK, PASSWORD, Person
from tests.support.http import DEADLINE, RawAnswer
from tests.support.posts import HOLD, a_draft
from tests.support.previewing import a_picture
from tests.support.uploading import FORM, a_png, form, part

STRANGER = "stranger"
"""Somebody of whom there is always another one."""
_JSON = "application/json"
_STEP = 30
_PAUSE = 0.05


class Stock:
    """Makes what is asked for, and keeps what can be asked for again."""

    def __init__(self, visitor: Visitor, series: int) -> None:
        self._visitor = visitor
        self._series = series
        self._numbers = count(1)

    def ask(
        self,
        caller: str,
        method: str,
        path: str,
        body: bytes | Mapping[str, Any] | None = None,
        **fields: str,
    ) -> RawAnswer:
        """Ask as one of the callers; as another one of the kind where that one may no more."""
        answer = self._ask(caller, method, path, body, fields)
        if answer.status in {401, 403} and self.is_past(caller):
            self._visitor.target.forget(caller)
            return self._ask(caller, method, path, body, fields)
        return answer

    def is_past(self, caller: str) -> bool:
        """Tell whether a caller is not what it was: signed out, erased, without its role."""
        if caller == "anonymous":
            return False
        return not self._visitor.wait(self._visitor.target.still_is(caller))

    def _ask(
        self,
        caller: str,
        method: str,
        path: str,
        body: bytes | Mapping[str, Any] | None,
        fields: Mapping[str, str],
    ) -> RawAnswer:
        token = self.token(caller)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._visitor.target.address}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        if token is not None:
            lines.append(f"Authorization: Bearer {token}")
        if isinstance(body, Mapping):
            body = json.dumps(body).encode()
            lines.append(f"Content-Type: {_JSON}")
        if method != "GET":
            lines.append(f"Content-Length: {len(body or b'')}")
        request = "\r\n".join([*lines, "", ""]).encode() + (body or b"")
        answer = self._visitor.ask(method, request)
        assert answer is not None, lines
        return answer

    def token(self, caller: str) -> str | None:
        """Give a token of a caller that is not refused."""
        return self._visitor.wait(self._visitor.target.token(caller))

    def person(self, caller: str) -> Person:
        """Give the account of a caller."""
        return self._visitor.wait(self._visitor.target.person(caller))

    def stranger(self) -> Person:
        """Give somebody who was never seen before, and is from now on the stranger."""
        self._visitor.target.forget(STRANGER)
        return self.person(STRANGER)

    def number(self) -> int:
        """Give a number that this stock never gave."""
        return next(self._numbers)

    def name(self) -> str:
        """Give a word that was never given."""
        return f"thing-{self._series}-{self.number()}"

    def forgive(self) -> None:
        """Let nothing be refused for having been tried too often."""
        self._visitor.wait(self._visitor.target.forgive())

    def post(self, state: str = "draft") -> Mapping[str, Any]:
        """Make the author's post of a state: its members, and its tag as `tag`."""
        answer = self.ask("author", "POST", "/posts", a_draft(slug=self.name()))
        path = answer.field("location") or ""
        if state in {"published", "held"}:
            answer = self.ask("author", "POST", f"{path}/publish")
        if state == "held":
            answer = self.ask("admin", "POST", f"{path}/legal-hold", HOLD)
        made = _made(answer)
        if state == "deleted":
            self.ask("author", "DELETE", path)
        return made

    def file(self) -> Mapping[str, Any]:
        """Upload the author's file."""
        body = form(part(a_png(padding=self.number())))
        return _made(self.ask("author", "POST", "/upload", body, Content_Type=FORM))

    @cached_property
    def stored(self) -> str:
        """The id of a file that stays."""
        return str(self.file()["id"])

    @cached_property
    def image(self) -> str:
        """The id of an image that has thumbnails."""
        body = form(part(a_picture(700, 350)))
        file_id: str = _made(self.ask("author", "POST", "/upload", body, Content_Type=FORM))["id"]

        def has_thumbnails() -> bool:
            answer = self.ask("author", "GET", f"/files/{file_id}/metadata")
            return bool(json.loads(answer.body)["thumbnails"])

        _until(has_thumbnails)
        return file_id

    @cached_property
    def video(self) -> str:
        """The id of a video."""
        body = form(part(_MP4, filename="a.mp4", mime="video/mp4"))
        made = _made(self.ask("author", "POST", "/upload", body, Content_Type=FORM))
        return str(made["id"])

    def export(self) -> str:
        """Ask for the author's export, and give its id."""
        answer = self.ask("author", "POST", "/exports")
        return (answer.field("location") or "").rpartition("/")[2]

    @cached_property
    def download(self) -> str:
        """The path and query of an export that is ready."""
        export_id = self.export()
        found: list[str] = []

        def is_ready() -> bool:
            answer = self.ask("author", "GET", f"/exports/{export_id}", Prefer="wait=5")
            found.append(answer.field("location") or "")
            return bool(found[-1])

        _until(is_ready)
        return re.sub(r"^https?://[^/]+", "", found[-1])

    def redirect(self) -> Mapping[str, Any]:
        """Make a redirect: its members, and its tag as `tag`."""
        body = {"path": f"/old/{self.name()}", "target": "/posts"}
        return _made(self.ask("operator", "POST", "/redirects", body))

    def webhook(self) -> Mapping[str, Any]:
        """Register a webhook: its members, and its tag as `tag`."""
        body = {"url": HOOK, "eventTypes": ["post.published"]}
        return _made(self.ask("operator", "POST", "/webhooks", body))

    def delivery(self) -> str:
        """Give the path of a delivery that was given up."""
        webhook_id = self.webhook()["id"]
        delivery_id = self._visitor.wait(self._visitor.target.dead_delivery(UUID(webhook_id)))
        return f"/webhooks/{webhook_id}/deliveries/{delivery_id}"

    def rebuild(self) -> str:
        """Give the path of a rebuild of `search` that was just asked for, or goes on."""
        answers: list[RawAnswer] = []

        def is_asked() -> bool:
            answers.append(self.ask("operator", "POST", "/projections/search/rebuild"))
            return answers[-1].status == 202

        _until(is_asked)
        return answers[-1].field("location") or ""

    def session(self, caller: str) -> UUID:
        """Begin another session of a caller."""
        email = self.person(caller).email
        before = {each["id"] for each in self._sessions(caller)}
        self.forgive()
        self.ask("anonymous", "POST", "/login", {"email": email, "password": PASSWORD})
        return UUID(next(each["id"] for each in self._sessions(caller) if each["id"] not in before))

    def _sessions(self, caller: str) -> list[Mapping[str, Any]]:
        items: list[Mapping[str, Any]] = json.loads(self.ask(caller, "GET", "/me/sessions").body)[
            "items"
        ]
        return items

    def refresh_token(self) -> str:
        """Sign in, for a token that renews others."""
        body = {"email": self.person("second-author").email, "password": PASSWORD}
        self.forgive()
        answer = self.ask("anonymous", "POST", "/login", body)
        return str(json.loads(answer.body)["refreshToken"])

    def mailed(self, path: str, email: str) -> str:
        """Have a token mailed, by `/register` or by `/password/forgot`."""
        body = {"email": email} | ({"password": PASSWORD} if path == "/register" else {})
        self.forgive()
        self.ask("anonymous", "POST", path, body)
        _until(lambda: self._visitor.target.mail_token(email) is not None)
        return self._visitor.target.mail_token(email) or ""

    def second_factor(self) -> pyotp.TOTP:
        """Let a new stranger begin with a second factor."""
        self.stranger()
        self.forgive()
        answer = self.ask(STRANGER, "POST", "/me/second-factor", {"password": PASSWORD})
        return pyotp.TOTP(json.loads(answer.body)["secret"])

    def code(self) -> str:
        """Let a new stranger have a second factor, and give a code that was not used."""
        authenticator = self.second_factor()
        now = int(time.time())
        body = {"code": authenticator.at(now - _STEP)}
        self.ask(STRANGER, "POST", "/me/second-factor/confirm", body)
        return authenticator.at(now)


_MP4 = (
    bytes.fromhex("0000001c66747970")
    + b"isom\0\0\2\0isomiso2mp41"
    + bytes.fromhex("0000000866726565")
)


def _made(answer: RawAnswer) -> Mapping[str, Any]:
    members: dict[str, Any] = json.loads(answer.body)
    assert "id" in members, members
    return members | {"tag": answer.field("etag")}


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(_PAUSE)
