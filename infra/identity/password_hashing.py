"""One password hashed, or compared with what is stored: argon2id, and bcrypt of imported accounts.

Nothing here waits, and nothing knows of threads or tables. What matters is that `check` does the
same work whatever it is asked, so that its time tells nobody whether there is an account: one
argon2id verification always, and where there are bcrypt hashes the work of one at their highest
cost.
"""

import base64
import os
import re

import bcrypt
import msgspec
from argon2 import Parameters, PasswordHasher
from argon2.exceptions import VerificationError, VerifyMismatchError

from commands.identity import Checked

BCRYPT_BYTES = 72
"""What bcrypt takes of a password; it knows nothing of the rest."""
LOWEST_BCRYPT_COST, HIGHEST_BCRYPT_COST = 4, 14
"""Costs that are verified; 14 takes about a second."""

_ARGON2ID = re.compile(
    r"\$argon2id\$v=19\$m=([1-9]\d{0,6}),t=([1-9]\d?),p=([1-9]\d?)"
    r"\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{16,86})",
    re.ASCII,
)
# The last character of the salt has two bits, the others six.
_BCRYPT = re.compile(
    r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}",
    re.ASCII,
)

_MOST_KIBIBYTES = 256 * 1024
_LEAST_KIBIBYTES = 8
"""For each lane: RFC 9106, section 3.1."""


class Argon2id(msgspec.Struct, frozen=True):
    """A hash in the PHC string format."""

    kibibytes: int
    passes: int
    lanes: int

    @property
    def work(self) -> int:
        """What its time goes with: kibibytes filled, over all passes."""
        return self.kibibytes * self.passes


class Bcrypt(msgspec.Struct, frozen=True):
    """A hash that doubles its work with each step of the cost."""

    cost: int


def kind_of(stored: str) -> Argon2id | Bcrypt | None:
    """Tell what a stored text is; nothing, if it is no hash that can be verified here."""
    if found := _ARGON2ID.fullmatch(stored):
        kibibytes, passes, lanes = map(int, found.group(1, 2, 3))
        fits = _LEAST_KIBIBYTES * lanes <= kibibytes <= _MOST_KIBIBYTES
        fits = fits and all(map(_is_base64, found.group(4, 5)))
        return Argon2id(kibibytes, passes, lanes) if fits else None
    if found := _BCRYPT.fullmatch(stored):
        cost = int(found[1])
        return Bcrypt(cost) if LOWEST_BCRYPT_COST <= cost <= HIGHEST_BCRYPT_COST else None
    return None


class Verifiers:
    """The two operations that take time, so that a test can watch them.

    Each gives None for a malformed hash, in which case nothing was computed.
    """

    def argon2id(self, stored: str, password: bytes) -> bool | None:
        """Compare with a hash in the PHC string format."""
        try:
            return _ANY_PARAMETERS.verify(stored, password)
        except VerifyMismatchError:
            return False
        except (VerificationError, ValueError):
            return None

    def bcrypt(self, stored: str, password: bytes) -> bool | None:
        """Compare with a bcrypt hash; the password has 72 bytes at most."""
        try:
            return bcrypt.checkpw(password, stored.encode())
        except ValueError:
            return None


class Hashing:
    """Hashes with the given parameters, and verifies whatever is stored."""

    def __init__(self, parameters: Parameters, verifiers: Verifiers) -> None:
        self._hasher = PasswordHasher.from_parameters(parameters)
        self._ours = Argon2id(
            parameters.memory_cost, parameters.time_cost, lanes=parameters.parallelism
        )
        self._dummy = _dummy_argon2id(self._ours)
        self._verifiers = verifiers

    def hash(self, password: bytes) -> str:
        """Give the password's hash with a fresh salt, in the PHC string format."""
        return self._hasher.hash(password)

    def verify(self, stored: str, password: bytes) -> bool:
        """Tell whether this is the password of an argon2id hash; a malformed hash fits none."""
        return bool(self._verifiers.argon2id(stored, password))

    def check(self, stored: str | None, password: bytes | None, bcrypt_cost: int | None) -> Checked:
        """Compare, with the same work whatever is asked.

        `stored` is None where there is no account, `password` is None where the text can be no
        password, `bcrypt_cost` is the highest cost in the database, or None without any bcrypt.
        """
        text = password if password is not None else b""
        kind = None if stored is None else kind_of(stored)
        right = self._check_argon2id(stored or "", text, kind)
        # Its own hash counts also when the caller did not look for the highest cost.
        own_cost = kind.cost if isinstance(kind, Bcrypt) else 0
        highest = max(min(bcrypt_cost or 0, HIGHEST_BCRYPT_COST), own_cost)
        if highest:
            right = self._check_bcrypt(stored or "", text, kind, highest) or right
        correct = right and password is not None
        return Checked(correct, outdated=correct and self._is_outdated(stored or "", kind))

    def _check_argon2id(self, stored: str, password: bytes, kind: Argon2id | Bcrypt | None) -> bool:
        if not isinstance(kind, Argon2id):
            self._verifiers.argon2id(self._dummy, password)
            return False
        right = self._verifiers.argon2id(stored, password)
        if right is None:
            self._verifiers.argon2id(self._dummy, password)
            return False
        missing = self._ours.work - kind.work
        if missing >= _LEAST_KIBIBYTES:
            # A hash with less work than ours would be told by its haste.
            rest = Argon2id(missing, passes=1, lanes=1)
            self._verifiers.argon2id(_dummy_argon2id(rest), password)
        return right

    def _check_bcrypt(
        self, stored: str, password: bytes, kind: Argon2id | Bcrypt | None, highest: int
    ) -> bool:
        password, has_nul = password[:BCRYPT_BYTES], b"\0" in password
        right = self._verifiers.bcrypt(stored, password) if isinstance(kind, Bcrypt) else None
        if right is None or not isinstance(kind, Bcrypt):
            self._verifiers.bcrypt(_dummy_bcrypt(highest), password)
            return False
        # 2^c + (2^c + 2^(c+1) + ... + 2^(highest-1)) = 2^highest
        for cost in range(kind.cost, highest):
            self._verifiers.bcrypt(_dummy_bcrypt(cost), password)
        # bcrypt repeats the password with a NUL between, so that one with NULs fits what others do.
        return right and not has_nul

    def _is_outdated(self, stored: str, kind: Argon2id | Bcrypt | None) -> bool:
        return isinstance(kind, Bcrypt) or self._hasher.check_needs_rehash(stored)


# What is verified says itself how.
_ANY_PARAMETERS = PasswordHasher()


def _is_base64(text: str) -> bool:
    """Tell whether the text is without padding, and the only one for its bytes."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return False
    return _base64(decoded) == text


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _dummy_argon2id(kind: Argon2id) -> str:
    """Give a hash of no password that anybody knows; verifying it takes as long as a real one."""
    salt, digest = _base64(os.urandom(16)), _base64(os.urandom(32))
    return f"$argon2id$v=19$m={kind.kibibytes},t={kind.passes},p={kind.lanes}${salt}${digest}"


def _dummy_bcrypt(cost: int) -> str:
    return f"$2b${cost:02}${'.' * 53}"
