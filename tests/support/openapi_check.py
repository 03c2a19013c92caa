"""Holds requests and their answers against an OpenAPI document.

An answer must be one that the document has for its operation: status, header fields, media type and
body, and for problems the error as well. The schemas of answers are closed for it: clients shall
bear members that they do not know, but here one that is not described is a fault. A request that
was not refused must be one that the document allows.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import httpx
import msgspec
from jsonschema_rs import Draft202012Validator

JSON = dict[str, Any]

NOT_DESCRIBED = ("/docs",)
"""Addresses, and all below them, of which the document does not speak: pages for people."""

IGNORES_THE_QUERY = frozenset({"GET /posts/slug/{slug}"})
"""Operations that serve whatever parameters come, as links that people share have them."""

ON_ANY_ANSWER = frozenset(
    {
        *("connection", "content-length", "content-security-policy", "content-type", "date"),
        *("referrer-policy", "strict-transport-security", "transfer-encoding"),
        "x-content-type-options",
    }
)
"""Header fields that no answer is described with: they say nothing of what was asked."""

_FORMATS = {"idn-email": lambda text: re.fullmatch(r"\s*\S+@\S+\s*", text) is not None}
"""Of addresses only what the product promises: its own check is stricter than most, or laxer."""
_INTEGER = re.compile("-?[0-9]+", re.ASCII)


class UndescribedError(AssertionError):
    """The product and its OpenAPI document say different things."""


class _Node:
    """A place in the tree of paths."""

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.operations: dict[str, _Operation] = {}


class _Operation(NamedTuple):
    """A method at a path, with the names of the path's parameters in order."""

    name: str
    path_parameters: Sequence[str]
    described: JSON


class Description:
    """A document, ready to be compared with what goes over the wire."""

    def __init__(self, document: JSON) -> None:
        self._document = document
        self._schemas: JSON = document["components"]["schemas"]
        self._closed: JSON = closed(self._schemas)
        self._validators: dict[tuple[int, bool], Draft202012Validator] = {}
        self._root = _Node()
        for template, methods in document["paths"].items():
            node = self._root
            for segment in template[1:].split("/"):
                key = "{}" if segment.startswith("{") else segment
                node = node.children.setdefault(key, _Node())
            names = re.findall(r"\{(\w+)\}", template)
            for method, described in methods.items():
                name = f"{method.upper()} {template}"
                node.operations[method.upper()] = _Operation(name, names, described)

    def check(self, answer: httpx.Response, *, head_only: bool = False) -> None:
        """Raise `UndescribedError` where the two differ."""
        request = answer.request
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        if path in NOT_DESCRIBED or path.startswith(tuple(f"{each}/" for each in NOT_DESCRIBED)):
            return
        operations, values = self._find(path)
        operation = operations.get("GET" if request.method == "HEAD" else request.method)
        head_only = head_only or request.method == "HEAD"
        try:
            if operation is None or _is_https_redirect(answer):
                self._check_anywhere(answer, path_exists=bool(operations), head_only=head_only)
                return
            self._check_answer(answer, operation.described, head_only=head_only)
            if answer.status_code < HTTPStatus.BAD_REQUEST:
                self._check_request(request, operation, values, query)
        except UndescribedError as fault:
            at = operation.name if operation else f"{request.method} {path}"
            raise UndescribedError(f"{at}, {answer.status_code}: {fault}") from None

    def follow(self, part: JSON) -> JSON:
        """Follow a reference within the document, where it is one."""
        if "$ref" not in part:
            return part
        found: Any = self._document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        followed: JSON = found
        return followed

    def _find(self, path: str) -> tuple[Mapping[str, _Operation], Sequence[str]]:
        """Find the operations at a path, and the values of its parameters."""
        node, values = self._root, []
        for segment in path[1:].split("/"):
            following = node.children.get(unquote(segment))
            if following is None:
                following = node.children.get("{}")
                if following is None or not segment or "%2F" in segment.upper():
                    return {}, ()
                values.append(unquote(segment))
            node = following
        return node.operations, values

    def _check_anywhere(
        self, answer: httpx.Response, *, path_exists: bool, head_only: bool
    ) -> None:
        """Check an answer that no operation gives: an error, a redirect, or what OPTIONS tells."""
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            anywhere = self._document["components"]["responses"]["ANYWHERE"]
            self._check_response(answer, anywhere, head_only=head_only)
        elif answer.is_redirect:
            _require("location" in answer.headers, "a redirect without Location")
            _require(head_only or not answer.content, "a redirect with a body")
        else:
            _require(answer.request.method == "OPTIONS", "there is no such operation")
            _require(answer.status_code == HTTPStatus.NO_CONTENT, "OPTIONS answers 204")
            _require("allow" in answer.headers, "OPTIONS tells what is allowed")
            _require(path_exists or answer.request.url.path == "*", "nothing is there")

    def _check_answer(self, answer: httpx.Response, described: JSON, *, head_only: bool) -> None:
        responses = described["responses"]
        listed = responses.get(str(answer.status_code))
        is_error = answer.status_code >= HTTPStatus.BAD_REQUEST
        _require(listed or is_error, "the status is not described")
        response = self.follow(listed or responses["default"])
        self._check_response(answer, response, head_only=head_only)

    def _check_response(self, answer: httpx.Response, response: JSON, *, head_only: bool) -> None:
        """Check fields, media type and body."""
        described = response["headers"]
        sent = dict(answer.headers.items())  # by their names in lowercase, and quicker to ask
        for name, reference in described.items():
            field = self.follow(reference)
            value = sent.get(name.lower())
            if value is not None:
                self._validate(field["schema"], _from_text(value, field["schema"]), name)
            else:
                _require(not field["required"], f"{name} is required and missing")
        unknown = sent.keys() - {name.lower() for name in described} - ON_ANY_ANSWER
        _require(not unknown, f"fields that are not described: {sorted(unknown)}")
        media_type = sent.get("content-type", "").partition(";")[0]
        if "content" not in response:
            _require(not media_type, f"a body of {media_type} where none is described")
            _require(head_only or not answer.content, "a body where none is described")
            return
        _require(media_type in response["content"], f"{media_type!r} is not described")
        if not head_only:
            schema = response["content"][media_type]["schema"]
            for member in _values(media_type, answer.content):
                self._validate(schema, member, "the body")

    def _check_request(
        self, request: httpx.Request, operation: _Operation, values: Sequence[str], query: str
    ) -> None:
        """Check a request that was served."""
        described = operation.described
        if described["security"] == [{"bearer": []}]:
            _require("authorization" in request.headers, "served without the token that it needs")
        pairs = parse_qsl(query, keep_blank_values=True)
        sent: dict[str, Mapping[str, str]] = {
            "path": dict(zip(operation.path_parameters, values, strict=True)),
            "query": dict(pairs),
            "header": dict(request.headers.items()),
        }
        parameters = described["parameters"]
        for parameter in parameters:
            name, place = parameter["name"], parameter["in"]
            value = sent[place].get(name.lower() if place == "header" else name)
            if value is not None:
                schema = self.follow(parameter["schema"])
                self._validate(parameter["schema"], _from_text(value, schema), name, request=True)
            else:
                _require(not parameter["required"], f"served without {name}, which is required")
        known = {each["name"] for each in parameters if each["in"] == "query"}
        unknown = {name for name, _ in pairs} - known
        ignored = operation.name in IGNORES_THE_QUERY
        _require(ignored or not unknown, f"served with parameters not described: {sorted(unknown)}")
        self._check_body(request, described.get("requestBody"))

    def _check_body(self, request: httpx.Request, described: JSON | None) -> None:
        try:
            content = request.content
        except httpx.RequestNotRead:
            return  # sent in chunks, and gone
        if described is None:
            # An empty object counts as no body.
            _require(content.strip() in {b"", b"{}"}, "served with a body that is not described")
            return
        if not content:
            _require(not described["required"], "served without the body that is required")
            return
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        _require(media_type in described["content"], f"served with a body of {media_type!r}")
        schema = described["content"][media_type]["schema"]
        for value in _values(media_type, content):
            self._validate(schema, value, "the body that was served", request=True)

    def _validate(self, schema: JSON, value: object, what: str, *, request: bool = False) -> None:
        key = (id(schema), request)  # the document, and so its parts, lives as long as this
        validator = self._validators.get(key)
        if validator is None:
            schemas = self._schemas if request else self._closed
            whole = {**schema, "components": {"schemas": schemas}}
            validator = Draft202012Validator(whole, validate_formats=True, formats=_FORMATS)
            self._validators[key] = validator
        if not validator.is_valid(value):  # the faults take longer to find
            faults = [
                f"{'/'.join(map(str, error.instance_path))} {error.message[:300]}".strip()
                for error in validator.iter_errors(value)
            ]
            raise UndescribedError(f"{what}: {'; '.join(faults)}")


def closed(schema: Any) -> Any:  # noqa: ANN401 - any JSON
    """Refuse in objects with known members all others, but for what only narrows a reference."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: closed(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and "$ref" not in schema:
        parts.setdefault("additionalProperties", False)
    return parts


def _is_https_redirect(answer: httpx.Response) -> bool:
    """Tell whether the answer sends what came by plain HTTP to HTTPS, as any address does."""
    location: str = answer.headers.get("location", "")
    came_by: str = answer.request.headers.get("x-forwarded-proto", "")
    return came_by.endswith("http") and location.startswith("https://")


def _from_text(value: str, schema: JSON) -> object:
    """Read a parameter or a field as its schema has it."""
    is_number = schema.get("type") == "integer" and _INTEGER.fullmatch(value)
    return int(value) if is_number else value


def _values(media_type: str, content: bytes) -> Iterator[object]:
    """Give the values in a body that a schema says something about."""
    if media_type.endswith(("/json", "+json")):
        yield _decoded(content)
    elif media_type == "application/x-ndjson":
        for line in content.splitlines():
            yield _decoded(line)
    elif media_type == "application/x-www-form-urlencoded":
        yield dict(parse_qsl(content.decode(), keep_blank_values=True))


def _decoded(content: bytes) -> object:
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise UndescribedError(f"{error}: {content[:200]!r}") from None


def _require(holds: object, otherwise: str) -> None:
    if not holds:
        raise UndescribedError(otherwise)
