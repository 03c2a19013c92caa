"""Requests made from the product's own OpenAPI document: every operation, every caller."""

import random
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from tests.hostile.spoiling import TEXTS, Document, damaged, good, spoilt
from tests.http.hostile_heads import FIELDS, IDS, QUERIES, VALUES
from tests.support.hostile_files import hostile_files
from tests.support.hostile_forms import hostile_forms
from tests.support.uploading import FORM, SAMPLES, form, part

_OF_EVERY_FIELD = (
    *((b"If-Match", value) for value in (b"*", b'"1.1"', b'"1.1", "1.2"', b'W/"1.1"')),
    *((b"If-None-Match", value) for value in (b"*", b'"1.1"', b'W/"x"')),
    *((b"Range", value) for value in (b"bytes=0-0", b"bytes=-5", b"bytes=0-1,3-", b"lines=1-2")),
    *((b"Range", value) for value in (b"bytes=9999999999999999999999-", b"bytes=5-1", b"bytes=")),
    *((b"If-Range", value) for value in (b'"x"', b"Sun, 01 Mar 2026 09:00:00 GMT")),
    *((b"Prefer", value) for value in (b"return=minimal", b"wait=9e9", b"respond-async")),
    *((b"Idempotency-Key", value) for value in (b'"k"', b"k", b'""', b'"' + b"k" * 300 + b'"')),
    *((b"Accept", value) for value in (b"*/*", b"text/html", b"application/x-ndjson", b"a/b")),
    *((b"Content-Encoding", value) for value in (b"gzip", b"br, gzip", b"identity")),
    *((b"X-Forwarded-For", value) for value in (b"::1", b"1.2.3.4, " * 99, b"unknown")),
    *((b"X-Forwarded-Proto", value) for value in (b"https", b"http,https", b"javascript")),
    *((b"Last-Event-ID", value) for value in (b"1", b"-1", b"9" * 40, b"\xff")),
)
_TYPES = (
    *(b"", b"text/plain", b"application/json; charset=utf-16", b"application/merge-patch+json"),
    *(b"application/x-www-form-urlencoded", b"multipart/form-data", b"application/json;", b"/"),
    *(b"application/json, text/html", b"APPLICATION/JSON;CHARSET=UTF-8", b"application/j\xffson"),
)
_UPLOADS = (*hostile_forms(), *hostile_files())
_LARGEST_UPLOAD = 300_000
_TARGETS = (
    *("https://ok.example/a", "https://ok.example:443/", "https://OK.example", "//ok.example/"),
    *("https://evil.example", "https://ok.example@evil.example", "https://ok.example\\evil"),
    *("https://ok.example%2eevil.example", "https://ok.example.", "http://ok.example", "/posts"),
    *("https:ok.example", "https:///ok.example", "https://ok.example\t", "https://ok\u3002example"),
    *("javascript:alert(1)", "data:text/html,x", "https://[::1]/", "https://0x7f.1/", "\x00"),
    "https://ok.example/" + "a" * 3_000,
)


class Operation(NamedTuple):
    """A method at an address, as the document has it."""

    method: str
    template: str
    described: Document

    @property
    def name(self) -> str:
        """The method and the template."""
        return f"{self.method} {self.template}"

    @property
    def caller(self) -> str:
        """Who may do it, by what the document says."""
        said = self.described["description"].rpartition("\n\nFor ")[2]
        for caller in ("operator", "auditor", "admin"):
            if said.startswith(caller):
                return caller
        return "author" if self.described["security"] else "anonymous"


class Sent(NamedTuple):
    """A request as bytes, and which one it is."""

    name: str
    method: str
    request: bytes


def operations(document: Document) -> list[Operation]:
    """List what the document has, and what it derives: HEAD and OPTIONS."""
    found = [
        Operation(method.upper(), template, described)
        for template, methods in document["paths"].items()
        for method, described in methods.items()
        if method in {"get", "post", "put", "patch", "delete"}
    ]
    derived = {Operation("OPTIONS", each.template, {}).template for each in found}
    return [*found, *(Operation("OPTIONS", template, {}) for template in sorted(derived))]


class Known:
    """Ids of things that are really there, learnt from the answers that made them."""

    def __init__(self, document: Document, seed: int) -> None:
        self._templates = [
            (
                re.compile(re.sub(r"\{\w+\}", "([^/]+)", template)),
                re.findall(r"\{(\w+)\}", template),
            )
            for template in document["paths"]
        ]
        self._values: dict[str, list[str]] = {
            "version": ["1", "2"],
            "position": ["1"],
            "width": ["320"],
            "category": ["post", "account", "file"],
        }
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def learn(self, location: str) -> None:
        """Take the ids out of an address."""
        path = re.sub(r"^https?://[^/]+", "", location).partition("?")[0]
        for pattern, names in self._templates:
            matched = pattern.fullmatch(path)
            if matched is not None:
                for name, value in zip(names, matched.groups(), strict=True):
                    self.add(name, value)

    def add(self, name: str, value: str) -> None:
        """Keep one, and the last hundred at most."""
        values = self._values.setdefault(name, [])
        if value not in values:
            values.append(value)
            del values[:-100]

    def value(self, name: str) -> str | None:
        """Give one of them, the newer the likelier."""
        if name == "stream_id":
            name = self._chance.choice(["post_id", "user_id", "file_id"])
        values = self._values.get(name)
        if not values:
            return None
        return self._chance.choice(values[-3:] if self._chance.random() < 0.7 else values)


class Generator:
    """Makes requests; the same ones for the same seed, ids aside."""

    def __init__(self, document: Document, host: str, known: Known, seed: int) -> None:
        self._document = document
        self._host = host.encode()
        self._known = known
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret

    def requests(self, operation: Operation, token: str | None, count: int) -> Iterator[Sent]:
        """Make so many requests of an operation, with this token or none."""
        for _ in range(count):
            yield self._request(operation, token)

    def _request(self, operation: Operation, token: str | None) -> Sent:
        chance = self._chance
        method = operation.method
        if method == "GET" and chance.random() < 0.1:
            method = "HEAD"
        elif chance.random() < 0.02:
            method = chance.choice(["PUT", "POST", "DELETE", "PATCH", "TRACE", "BREW", "get"])
        fields: list[tuple[bytes, bytes]] = [(b"Host", self._host)]
        if token is not None and chance.random() < 0.97:
            fields.append((b"Authorization", b"Bearer " + token.encode()))
        if method == "PATCH" and chance.random() < 0.6:
            fields.append((b"If-Match", b"*"))
        body = self._body(operation, fields)
        fields += self._odd_fields()
        if body is not None:
            fields.append((b"Content-Length", b"%d" % len(body)))
        head = b"".join(b"%b: %b\r\n" % field for field in fields)
        line = b"%b %b HTTP/1.1\r\n" % (method.encode(), self._target(operation))
        return Sent(operation.name, method, line + head + b"\r\n" + (body or b""))

    def _target(self, operation: Operation) -> bytes:
        def one(found: re.Match[bytes]) -> bytes:
            known = self._known.value(found[1].decode())
            if known is not None and self._chance.random() < 0.75:
                return known.encode()
            if self._chance.random() < 0.5:
                return self._chance.choice(IDS)
            return _quoted(self._chance.choice(TEXTS))[:4_000] or b"-"

        path = re.sub(rb"\{(\w+)\}", one, operation.template.encode())
        query = self._query(operation)
        return path if query is None else path + b"?" + query

    def _query(self, operation: Operation) -> bytes | None:
        chance = self._chance
        parameters = [
            parameter
            for parameter in map(self._followed, operation.described.get("parameters", ()))
            if parameter.get("in") == "query"
        ]
        if chance.random() < (0.15 if parameters else 0.9):
            return None
        if chance.random() < 0.15:
            return chance.choice(QUERIES)
        pairs = [
            _quoted(parameter["name"]) + b"=" + self._parameter(parameter)
            for parameter in parameters
            if parameter.get("required") or chance.random() < 0.4
        ]
        if pairs and chance.random() < 0.1:
            pairs.append(pairs[0])
        if chance.random() < 0.05:
            pairs.append(_quoted(chance.choice(TEXTS)[:99]) + b"=1")
        query = b"&".join(pairs)
        return damaged(chance, query).translate(None, b" \r\n") if chance.random() < 0.1 else query

    def _parameter(self, parameter: Mapping[str, Any]) -> bytes:
        chance = self._chance
        if chance.random() < 0.5:
            return _quoted(str(good(chance, parameter.get("schema", {}), self._document)))
        if parameter["name"] in {"to", "url", "target"}:
            return _quoted(chance.choice(_TARGETS))
        return _quoted(chance.choice(TEXTS)[:3_000])

    def _body(self, operation: Operation, fields: list[tuple[bytes, bytes]]) -> bytes | None:
        chance = self._chance
        content = operation.described.get("requestBody", {}).get("content", {})
        if not content:
            if chance.random() < 0.9:
                return None
            fields.append((b"Content-Type", b"application/json"))
            return chance.choice([b"{}", b"", b"x" * 100, b'{"a":1}'])
        kind = chance.choice(list(content))
        if kind.startswith("multipart/"):
            return self._form(fields)
        said = chance.choice(_TYPES) if chance.random() < 0.07 else kind.encode()
        fields.append((b"Content-Type", said))
        value = good(chance, content[kind].get("schema", {}), self._document)
        return spoilt(chance, value)

    def _form(self, fields: list[tuple[bytes, bytes]]) -> bytes:
        chance = self._chance
        if chance.random() < 0.2:
            kind = chance.choice(list(SAMPLES))
            fields.append((b"Content-Type", FORM.encode()))
            sent = form(part(SAMPLES[kind], mime=str(kind.value)))
            return sent if chance.random() < 0.5 else damaged(chance, sent)
        upload = chance.choice(_UPLOADS)
        if upload.media_type is not None:
            fields.append((b"Content-Type", upload.media_type.encode()))
        body = upload.body if len(upload.body) <= _LARGEST_UPLOAD else upload.body[:9_000]
        return damaged(chance, body) if chance.random() < 0.3 else body

    def _odd_fields(self) -> Iterator[tuple[bytes, bytes]]:
        chance = self._chance
        for _ in range(chance.choice((0, 0, 1, 1, 2, 4))):
            if chance.random() < 0.6:
                yield chance.choice(_OF_EVERY_FIELD)
            else:
                name = chance.choice(FIELDS)
                if name not in {b"Authorization", b"Content-Type"}:
                    yield name, chance.choice(VALUES)

    def _followed(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in part:
            return part
        at: Any = self._document
        for step in part["$ref"].removeprefix("#/").split("/"):
            at = at[step]
        followed: Mapping[str, Any] = at
        return followed


def _quoted(value: str) -> bytes:
    return quote(value.encode("utf-8", "surrogatepass"), safe="").encode()
