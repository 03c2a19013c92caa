"""Which new passwords are refused for being easily guessed.

zxcvbn estimates how many guesses a password stands, and by what pattern it falls. It is pure Python
that runs on the event loop, so it is only shown what it can judge within a few milliseconds.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from zxcvbn import matching, scoring  # type: ignore[import-untyped]  # has no annotations

from commands.identity import PasswordFault
from infra.identity.passwords import normalised_password

_GUESSES = 1_000_000
"""Fewer are within reach of somebody who asks a server, limits and all."""

_SEEN = 32
"""Characters that are looked at. What begins with as many that are easily guessed is refused."""
_MOST_SPELLINGS = 8
"""Ways to read symbols as letters that are tried. `4@([{<1|...` has hundreds, and to try one takes
as long as to look at the password as it is."""

_OWN_NAME = "ledgerpress"
_SHORTEST_WORD = 3
_MOST_OF_A_TEXT = 254

_WHY = {
    "passwords": "is among the most common ones, or close to one",
    "user_inputs": "has little but the name or address of the person or of this site",
    "dictionary": "consists of common words or names",
    "spatial": "follows the rows of a keyboard",
    "repeat": "repeats itself",
    "sequence": "is a row of characters, like abc or 123",
    "regex": "is a date",
    "date": "is a date",
    "bruteforce": "has too few characters for what it consists of",
}
_QUICK_MATCHERS = (
    matching.dictionary_match,
    matching.reverse_dictionary_match,
    matching.spatial_match,
    matching.sequence_match,
    matching.regex_match,
    matching.date_match,
)

_WORD = re.compile(r"[^\W_]+")


def new_password(text: str, personal: Sequence[str] = ()) -> bytes | PasswordFault:
    """Give the bytes to hash of a password that somebody wants, or say why they cannot have it.

    `personal` is what others know of the person: the address, the name. They may stand in a
    password, and count for nothing.
    """
    normalised = normalised_password(text)
    if isinstance(normalised, PasswordFault):
        return normalised
    words = _words(personal)
    known = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    rest, removed = re.subn(known, "", normalised.decode(), flags=re.IGNORECASE)
    weakness = _weakness(rest[:_SEEN], words)
    if weakness is None:
        return normalised
    why = _WHY["user_inputs" if removed else weakness]
    return PasswordFault("password_too_weak", f"is easily guessed: it {why}")


def _weakness(text: str, words: Mapping[str, int]) -> str | None:
    """Name the pattern by which a text is easily guessed, if it is."""
    if not text:
        return "bruteforce"
    judged = scoring.most_guessable_match_sequence(text, _matches(text, words))
    if judged["guesses"] >= _GUESSES:
        return None
    longest = max(judged["sequence"], key=lambda match: len(match["token"]))
    dictionary: str = longest.get("dictionary_name", "")
    return dictionary if dictionary in _WHY else longest["pattern"]


def _words(personal: Sequence[str]) -> dict[str, int]:
    """Rank what is known of the person: whole texts, then their parts."""
    texts = [unicodedata.normalize("NFC", text[:_MOST_OF_A_TEXT]).lower() for text in personal]
    parts = [word for text in texts for word in _WORD.findall(text)]
    words = (word for word in (_OWN_NAME, *texts, *parts) if len(word) >= _SHORTEST_WORD)
    return {word: rank for rank, word in enumerate(dict.fromkeys(words), 1)}


def _matches(text: str, words: Mapping[str, int]) -> list[dict[str, Any]]:
    """Find the patterns in a text, without those that would take too long to look for."""
    # Not `zxcvbn.zxcvbn`, which keeps the person's words in a global of its module.
    dictionaries = {**matching.RANKED_DICTIONARIES, "user_inputs": words}
    matchers = [*_QUICK_MATCHERS]
    if _spellings(text) <= _MOST_SPELLINGS:
        matchers += [matching.l33t_match, matching.repeat_match]
    found = [match for find in matchers for match in find(text, _ranked_dictionaries=dictionaries)]
    return sorted(found, key=lambda match: (match["i"], match["j"]))


def _spellings(text: str) -> int:
    """Count the ways to read the text's symbols as letters, as `l33t_match` tries them."""
    symbols = matching.relevant_l33t_subtable(text, matching.L33T_TABLE)
    letters = Counter(symbol for each in symbols.values() for symbol in each)
    return math.prod(map(len, symbols.values())) * math.prod(letters.values())
