"""Content-Disposition: how a browser shall treat a file, and under which name it may save it.

RFC 6266, and RFC 8187 for names beyond ASCII. A name comes from whoever uploaded the file, so that
what reaches the field is only what cannot harm: no path, no control or formatting character.
"""

import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote

MOST_CHARACTERS = 150
"""Of a name; file systems take 255 bytes."""

_EXTENSIONS = {"jpg": (".jpg", ".jpeg")}
"""Types that go by several."""

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 _.()+,=@-]", re.ASCII)
_HARMFUL = frozenset('/\\:*?"<>|%;')
"""What separates paths, or means something to shells, to Windows or in the field itself."""
_ATTRIBUTE_CHARACTERS = "!#$&+-.^_`|~"


@lru_cache(maxsize=1024)
def content_disposition(name: str | None, *, otherwise: str, extension: str, inline: bool) -> bytes:
    """Make the field's value.

    `otherwise` is a safe name, without its extension, for a file that has none. The name gets the
    `extension` of what the file truly is: a PDF that calls itself a page stays harmless when saved.
    """
    safe = (_safe(name) if name is not None else "") or otherwise
    if not safe.lower().endswith(_EXTENSIONS.get(extension, (f".{extension}",))):
        safe = f"{safe}.{extension}"
    plain = unicodedata.normalize("NFKD", safe)
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    plain = _NOT_PLAIN.sub("_", plain).lstrip(". ")
    if "." not in plain:  # nothing but the extension is left
        plain = f"{otherwise}.{plain}"
    value = f'{"inline" if inline else "attachment"}; filename="{plain}"'
    if plain != safe:
        value += f"; filename*=UTF-8''{quote(safe, safe=_ATTRIBUTE_CHARACTERS)}"
    return value.encode("ascii")


def _safe(name: str) -> str:
    """Leave of a name what can stand in a folder, readable as it is."""
    last = re.split(r"[/\\]", name)[-1]
    kept = [_kept(char) for char in unicodedata.normalize("NFC", last)]
    safe = " ".join("".join(kept).split()).strip(". ")
    if len(safe) <= MOST_CHARACTERS:
        return safe
    stem, dot, extension = safe.rpartition(".")
    if not dot or len(extension) > 10:  # noqa: PLR2004 - longer ones are no extensions
        return safe[:MOST_CHARACTERS].rstrip(". ")
    return f"{stem[: MOST_CHARACTERS - len(extension) - 1].rstrip('. ')}.{extension}"


def _kept(char: str) -> str:
    if char in _HARMFUL:
        return "_"
    category = unicodedata.category(char)
    if category.startswith("Z"):
        return " "
    # Controls, marks of direction and other formatting, surrogates, what is not assigned.
    return "" if category.startswith("C") else char
