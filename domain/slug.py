"""Slugs: the part of a post's address that people read.

A slug is `[a-z0-9]+(-[a-z0-9]+)*`, at most 80 characters. Plain ASCII keeps an address the same
wherever it is typed, logged or sent.
"""

import re
import unicodedata
from uuid import UUID

MAX_LENGTH = 80

_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")

# Letters that Unicode does not decompose into an ASCII letter and a mark, and the apostrophes,
# which stand inside a word and do not divide it. Applied after case folding (ß is ss by then).
_FOLDED = str.maketrans(
    {
        "ł": "l",
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ħ": "h",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "ŋ": "n",
        "ŧ": "t",
        "'": "",
        "\N{RIGHT SINGLE QUOTATION MARK}": "",
        "\N{MODIFIER LETTER APOSTROPHE}": "",
    }
)


def slugify(title: str) -> str:
    """Give the title's slug, or an empty text where the title has no letter or digit to fold."""
    letters = title.lower().replace("'", "") if title.isascii() else _folded(title)
    return _cut(_BETWEEN_WORDS.sub("-", letters).strip("-"))


def slug_for(title: str, post_id: UUID) -> str:
    """Give the title's slug, or one made of the post's id where the title gives none.

    The id's last 12 hexadecimal digits are taken: those of a UUIDv7 are random, while its first
    ones are the clock and are shared by posts of the same minute.
    """
    return slugify(title) or f"post-{post_id.hex[-12:]}"


def _folded(title: str) -> str:
    decomposed = unicodedata.normalize("NFKD", title)
    letters = "".join(char for char in decomposed if not unicodedata.combining(char))
    return letters.casefold().translate(_FOLDED)


def _cut(words: str) -> str:
    """Shorten to the limit, between two words unless the first one alone is too long."""
    if len(words) <= MAX_LENGTH:
        return words
    kept, hyphen, _ = words[: MAX_LENGTH + 1].rpartition("-")
    return kept if hyphen else words[:MAX_LENGTH]
