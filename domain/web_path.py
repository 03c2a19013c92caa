"""Paths of addresses, in the one spelling by which they are compared (RFC 3986, section 6.2.2)."""

import re

MOST_CHARACTERS = 1024

_PATH = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+/?|/")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})?")
_PLAIN = re.compile(r"[A-Za-z0-9._~-]")
_DOTS = re.compile(r"/\.{1,2}(?=/|\Z)")
_SPACE, _DELETE = 0x20, 0x7F
_NEVER_ESCAPED = frozenset("/\\%")
"""What would be a separator, or a second escape, to whoever decodes it once more."""


def normal_path(text: str) -> str | None:
    """Give a path as it is compared; None for what is none, or what two readers could read apart.

    Text beyond ASCII is escaped as UTF-8, needless escapes are taken off, and escapes have capital
    letters. Empty and dot segments are refused, as are escaped slashes, backslashes, percent signs
    and control characters. A slash at the end makes another path.
    """
    try:
        escaped = "".join(_escaped(character) for character in text)
    except UnicodeEncodeError:
        return None
    if len(escaped) > MOST_CHARACTERS or _PATH.fullmatch(escaped) is None:
        return None
    parts: list[str] = []
    end = 0
    for found in _ESCAPE.finditer(escaped):
        if found[1] is None:
            return None
        code = int(found[1], 16)
        character = chr(code)
        if code < _SPACE or code == _DELETE or character in _NEVER_ESCAPED:
            return None
        plain = _PLAIN.fullmatch(character) is not None
        parts += (escaped[end : found.start()], character if plain else found[0].upper())
        end = found.end()
    path = "".join((*parts, escaped[end:]))
    return None if _DOTS.search(path) is not None else path


def _escaped(character: str) -> str:
    if character.isascii():
        return character
    return "".join(f"%{byte:02X}" for byte in character.encode())


def path_of(target: str) -> str | None:
    """Give the path of a target that is one of ours; None for one in another place."""
    return re.split(r"[?#]", target, maxsplit=1)[0] if target.startswith("/") else None
