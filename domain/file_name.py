"""What is kept of the name that a client gives a file."""

import unicodedata

LONGEST = 255
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def cleaned(name: str) -> str | None:
    """Give the name without folders and without anything that cannot be seen; None for nothing.

    Some clients send a whole path, of Windows too. What cannot be seen, such as line breaks and
    marks that turn the direction of writing, is of use only to those who want to deceive.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(char for char in last if unicodedata.category(char) not in _INVISIBLE)
    kept = unicodedata.normalize("NFC", seen).strip()[:LONGEST].strip()
    return kept if kept.strip(".") else None
