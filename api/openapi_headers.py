"""The header fields of answers in the OpenAPI document: what each says, and the form of its value.

A field that an answer always has refers to a component that is required, one that it has now and
then to the same under another name, which is not. A new field gets its row in `FIELDS`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_SECONDS = {"type": "integer", "minimum": 0}
_ADDRESS = {"type": "string", "format": "uri-reference", "minLength": 1}
_ETAG = {"type": "string", "pattern": '^"[!#-~]*"$'}
_DATE = {
    "type": "string",
    "pattern": "^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} [A-Z][a-z]{2} [0-9]{4} "
    "[0-9]{2}:[0-9]{2}:[0-9]{2} GMT$",
}
_DIGEST = {"type": "string", "pattern": "^sha-256=:[A-Za-z0-9+/]{43}=:$"}
_LINKS = {"type": "string", "pattern": '^<[^>]*>; rel="[a-z-]+"'}
_NAMES = {"type": "string", "pattern": "^[A-Za-z-]+(, [A-Za-z-]+)*$"}

_SOMETIMES = ".sometimes"


class HeaderField(NamedTuple):
    """What a header field says, and the schema of its value."""

    description: str
    schema: Mapping[str, Any]


FIELDS: Mapping[str, HeaderField] = {
    "Accept-Encoding": HeaderField("The content codings that are taken: `identity` alone.", _TEXT),
    "Accept-Patch": HeaderField("The types of bodies that PATCH takes here (RFC 5789).", _TEXT),
    "Accept-Post": HeaderField("The types of bodies that POST takes here.", _TEXT),
    "Accept-Ranges": HeaderField("`bytes`: ranges can be asked for.", {"const": "bytes"}),
    "Allow": HeaderField("The methods that this address has.", _NAMES),
    "Cache-Control": HeaderField("Who may keep the answer, and for how long.", _TEXT),
    "Content-Digest": HeaderField(
        "The digest of the bytes of this answer, where it was wanted (RFC 9530).", _DIGEST
    ),
    "Content-Disposition": HeaderField(
        "Whether to show or to save it, and under which name (RFC 6266).",
        {"type": "string", "pattern": "^(inline|attachment)(;|$)"},
    ),
    "Content-Range": HeaderField(
        "Which bytes of how many these are; with 416 how many there are.",
        {"type": "string", "pattern": r"^bytes ([0-9]+-[0-9]+|\*)/[0-9]+$"},
    ),
    "ETag": HeaderField(
        "The strong entity tag of the current version, for If-Match and If-None-Match.", _ETAG
    ),
    "Last-Modified": HeaderField("The time of the last event.", _DATE),
    "Link": HeaderField(
        "Links to other pages of a list (`first`, `next`), to what happened since the client's "
        "version (`version-history`), or to whoever demands a block (`blocked-by`).",
        _LINKS,
    ),
    "Location": HeaderField("Where the resource is.", _ADDRESS),
    "Preference-Applied": HeaderField(
        "What was honoured of Prefer, such as `return=minimal`.", _TEXT
    ),
    "RateLimit": HeaderField(
        "What is left of each limit: `r` attempts, one more in `t` seconds.", _TEXT
    ),
    "RateLimit-Policy": HeaderField(
        "The limits that are counted: `q` attempts in `w` seconds.", _TEXT
    ),
    "Repr-Digest": HeaderField(
        "The SHA-256 of all of the bytes, whichever are sent (RFC 9530).", _DIGEST
    ),
    "Retry-After": HeaderField("How many seconds to wait before the next try.", _SECONDS),
    "Vary": HeaderField("The fields of the request that select the answer.", _NAMES),
    "WWW-Authenticate": HeaderField(
        '`Bearer realm="api"`, and why a token was refused.',
        {"type": "string", "pattern": '^Bearer realm="api"'},
    ),
    "X-Accel-Buffering": HeaderField(
        "`no`: nginx shall pass events on as they come.", {"const": "no"}
    ),
    "X-Request-Id": HeaderField(
        "The request's id, under which the logs have it.", {"type": "string", "format": "uuid"}
    ),
}
"""Every field that some answer is described with."""


def header_references(always: Iterable[str], sometimes: Iterable[str] = ()) -> dict[str, Any]:
    """Refer to the fields that an answer always has, and to those that it has now and then."""
    names = {
        **{name: name for name in always},
        **{name: name + _SOMETIMES for name in sometimes},
    }
    return {
        name: {"$ref": f"#/components/headers/{component}"}
        for name, component in sorted(names.items())
    }


def header_components(responses: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Describe the fields that these responses refer to, each in the forms in which they do."""
    used = {
        reference["$ref"].rpartition("/")[2]
        for response in responses
        for reference in response.get("headers", {}).values()
    }
    return {
        name + suffix: {
            "description": field.description,
            "required": not suffix,
            "schema": dict(field.schema),
        }
        for name, field in FIELDS.items()
        for suffix in ("", _SOMETIMES)
        if name + suffix in used
    }
