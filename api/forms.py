"""Reads the browser's form for a new post into the same request as the JSON body."""

import msgspec

from api.post_requests import CreatePost
from api.strict_json import from_validation_error, join_path
from api.urlencoded import PairsError, decode_pairs
from commands.outcomes import Malformed

_MOST_FIELDS = 32
_OPTIONAL = ("slug", "publishAt", "coverImage")


def decode_create_form(body: bytes) -> CreatePost | Malformed:
    """Decode `application/x-www-form-urlencoded`, field by member of `CreatePost`.

    Browsers send a field that was left empty, so an optional one that is empty counts as absent.
    """
    try:
        fields = decode_pairs(body, most=_MOST_FIELDS)
    except PairsError as error:
        if error.name is None:
            return Malformed("invalid_body", error.reason)
        member = join_path("", error.name)
        return Malformed("invalid_body", f"{member}: {error.reason}", member)
    for name in _OPTIONAL:
        if fields.get(name) == "":
            del fields[name]
    try:
        return msgspec.convert(fields, CreatePost)
    except msgspec.ValidationError as error:
        return from_validation_error(error, CreatePost)
