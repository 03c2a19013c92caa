"""Comparing a password with what is stored: the right answer, by the same work for any attempt."""

from collections.abc import Callable

import bcrypt
import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from commands.identity import Checked
from infra.identity.password_hashing import Argon2id, Bcrypt, Hashing, Verifiers, kind_of
from infra.identity.passwords import CHEAP, STRONG, normalised_password

PASSWORD = b"correct horse"
RIGHT_AND_OUTDATED = Checked(correct=True, outdated=True)
WRONG = Checked(correct=False, outdated=False)


class Traced(Verifiers):
    """Keeps what was computed: each verification's kind, of both kinds as their work."""

    def __init__(self) -> None:
        self.argon2id_works: list[int] = []
        self.bcrypt_costs: list[int] = []

    def argon2id(self, stored: str, password: bytes) -> bool | None:
        """Verify, and keep the work, if there was any."""
        result, kind = super().argon2id(stored, password), kind_of(stored)
        if result is not None and isinstance(kind, Argon2id):
            self.argon2id_works.append(kind.work)
        return result

    def bcrypt(self, stored: str, password: bytes) -> bool | None:
        """Verify, and keep the cost, if it was verified."""
        result, kind = super().bcrypt(stored, password), kind_of(stored)
        if result is not None and isinstance(kind, Bcrypt):
            self.bcrypt_costs.append(kind.cost)
        return result


def argon2id(password: bytes = PASSWORD, *, m: int = 8, t: int = 1, p: int = 1) -> str:
    """Hash as others may have done."""
    hasher = PasswordHasher(time_cost=t, memory_cost=m, parallelism=p, hash_len=24)
    return hasher.hash(password, salt=b"salt" * 3)


def bcrypted(password: bytes = PASSWORD, cost: int = 4, prefix: bytes = b"2b") -> str:
    """Hash as others did."""
    salt = f"$2b${cost:02}${'Salt' * 5}.u"
    hashed = bcrypt.hashpw(password[:72], salt.encode()).decode()
    return hashed.replace("$2b$", f"${prefix.decode()}$", 1)


HASHING = Hashing(CHEAP, Verifiers())
OURS = PasswordHasher.from_parameters(CHEAP).hash(PASSWORD, salt=b"salt" * 4)

MALFORMED = (
    "",
    "x",
    "\0",
    "é",
    "\ud800",
    "$argon2id$",
    "$2b$12$abc",
    OURS[:-20],
    OURS + "A",
    OURS.replace("argon2id", "argon2i"),
    OURS.replace("v=19", "v=16"),
    OURS.replace("m=8", "m=4294967295"),
    OURS.replace("m=8", "m=0"),
    OURS.replace("t=1", "t=999999"),
    OURS.replace("p=1", "p=9"),
    OURS + "\n",
    bcrypted()[:-1],
    bcrypted() + ".",
    bcrypted().replace("$04$", "$03$"),
    bcrypted().replace("$04$", "$31$"),
    bcrypted().replace("$04$", "$٠٤$"),
    bcrypted().replace("$2b$", "$2x$"),
    bcrypted()[:28] + "z" + bcrypted()[29:],
    "$5$rounds=5000$salt$hash",
)


@pytest.mark.parametrize("cost", [None, 6])
@pytest.mark.parametrize(
    "stored",
    [
        None,
        OURS,
        argon2id(b"another one"),
        bcrypted(),
        bcrypted(cost=5),
        bcrypted(cost=6),
        bcrypted(b"another one"),
        *MALFORMED,
    ],
)
@pytest.mark.parametrize(
    "password",
    ["correct horse", "wrong", "", "a" * 73, "a" * 1025, "\0" * 8, "cafe\u0301 noir", "\ud800" * 9],
)
def test_same_work(stored: str | None, password: str, cost: int | None) -> None:
    """For any account and any password it is one argon2id, and one bcrypt of the highest cost."""
    traced = Traced()
    normalised = normalised_password(password)
    text = normalised if isinstance(normalised, bytes) else None

    checked = Hashing(CHEAP, traced).check(stored, text, cost)

    assert traced.argon2id_works == [CHEAP.memory_cost * CHEAP.time_cost]
    if cost is not None:
        assert sum(2**each for each in traced.bcrypt_costs) == 2**cost
    assert checked.correct is (password == "correct horse" and _is_of_password(stored))  # noqa: S105


def _is_of_password(stored: str | None) -> bool:
    return stored is not None and (
        stored == OURS
        or (isinstance(kind_of(stored), Bcrypt) and bcrypt.checkpw(PASSWORD, stored.encode()))
    )


def test_less_work_is_made_up_for() -> None:
    """An argon2id hash that costs less than ours takes as long as ours."""
    traced = Traced()
    stored = argon2id(m=512, t=3)

    assert Hashing(STRONG, traced).check(stored, PASSWORD, None) == RIGHT_AND_OUTDATED
    assert traced.argon2id_works == [512 * 3, 19456 * 2 - 512 * 3]


@pytest.mark.parametrize("prefix", [b"2a", b"2b", b"2y"])
def test_bcrypt(prefix: bytes) -> None:
    """All common kinds are verified, even when nobody said that there is any, and outdated."""
    stored = bcrypted(prefix=prefix)

    assert HASHING.check(stored, PASSWORD, 4) == RIGHT_AND_OUTDATED
    assert HASHING.check(stored, PASSWORD, None) == RIGHT_AND_OUTDATED
    assert HASHING.check(stored, b"another one", 4) == WRONG


@pytest.mark.parametrize("length", [8, 71, 72, 73, 1024])
def test_long(length: int) -> None:
    """Of a password bcrypt sees 72 bytes: others are wrong; the rest cannot be told."""
    password = b"a" * length
    stored = bcrypted(password)

    assert HASHING.check(stored, password, 4) == RIGHT_AND_OUTDATED
    assert HASHING.check(stored, b"b" + password[1:], 4) == WRONG
    assert HASHING.check(stored, password[:72].ljust(80, b"a"), 4).correct is (length >= 72)


@pytest.mark.parametrize("password", [b"a\0a\0a\0a\0a", b"aaaaaaaa\0", b"\0" * 8, b"aaaaaaaa\0b"])
def test_nul(password: bytes) -> None:
    """A NUL fits no bcrypt hash, where it could stand for a shorter password."""
    for stored in (bcrypted(password), bcrypted(password.split(b"\0", maxsplit=1)[0] or b"a")):
        assert HASHING.check(stored, password, 4) == WRONG

    ours = HASHING.hash(password)
    assert HASHING.check(ours, password, 4).correct is True


@pytest.mark.parametrize(
    ("make", "outdated"),
    [
        (lambda: HASHING.hash(PASSWORD), False),
        (argon2id, True),
        (lambda: argon2id(m=16), True),
        (lambda: argon2id(m=64, t=4, p=2), True),
        (lambda: bcrypted(cost=5), True),
    ],
)
def test_outdated(make: Callable[[], str], *, outdated: bool) -> None:
    """What was not hashed as we hash is to be replaced, once the password is known to be right."""
    stored = make()

    assert HASHING.check(stored, PASSWORD, None) == Checked(correct=True, outdated=outdated)
    assert HASHING.check(stored, b"another one", None) == WRONG
    assert HASHING.check(stored, None, None) == WRONG


def test_costs_beyond_reason() -> None:
    """A cost in the database that nobody would wait for is not waited for."""
    traced = Traced()
    cheap_at_most = Hashing(CHEAP, traced)
    cheap_at_most.check(bcrypted().replace("$04$", "$31$"), PASSWORD, 4)

    assert traced.bcrypt_costs == [4]


@given(st.text(max_size=100), st.binary(max_size=100))
def test_any_text(stored: str, password: bytes) -> None:
    """No text in the place of a hash fits a password or raises."""
    assert HASHING.check(stored, password, None) == WRONG
