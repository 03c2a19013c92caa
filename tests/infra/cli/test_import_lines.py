"""A file of accounts cut into lines, and each line read: what is wrong is said, and no hash."""

import bcrypt
import msgspec
import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from domain.stream import Role
from infra.cli.import_lines import LONGEST_LINE, Line, Lines, Person, Refused, read_line

HASH = bcrypt.hashpw(b"correct horse", b"$2b$04$" + b"Salt" * 5 + b".u").decode()
GOOD: dict[str, object] = {"email": "ada@example.org", "passwordHash": HASH}


def cut(*chunks: bytes) -> list[Line]:
    """Cut chunks into lines."""
    lines = Lines()
    return [line for chunk in chunks for line in lines.feed(chunk)] + lines.end()


def read(**members: object) -> Person | Refused:
    """Read a good line with these members changed."""
    return read_line(msgspec.json.encode(GOOD | members))


def test_cut() -> None:
    """Lines end as on any system; blank ones, margins and a byte order mark do not count."""
    data = b"\xef\xbb\xbfone\r\n\n  \n two\t\nthree"

    assert cut(data) == [Line(1, b"one"), Line(4, b"two"), Line(5, b"three")]
    assert cut(b"") == cut(b"\n\n") == []


@given(st.binary(max_size=60), st.integers(1, 10))
def test_cut_anywhere(data: bytes, size: int) -> None:
    """It does not matter in which pieces the bytes come."""
    chunks = [data[i : i + size] for i in range(0, len(data), size)]

    assert cut(*chunks) == cut(data)


def test_too_long() -> None:
    """A line that is too long is known for it, and the next one is read as ever."""
    lines = cut(b"a" * LONGEST_LINE + b"\n", *[b"b" * 65536] * 16, b"b\nc\n" + b"d" * 20_000)

    assert lines == [Line(1, b"a" * LONGEST_LINE), Line(2, None), Line(3, b"c"), Line(4, None)]
    assert read_line(None) == Refused("is longer than 16,384 bytes")


def test_read() -> None:
    """Address and hash are enough; everything else has its default or is taken as given."""
    everything = read(name="Ada", roles=["admin", "author"], disabled=True, email=" a@b ")

    assert read() == Person("ada@example.org", None, frozenset({Role.AUTHOR}), HASH, disabled=False)
    assert everything == Person(
        "a@b", "Ada", frozenset({Role.ADMIN, Role.AUTHOR}), HASH, disabled=True
    )


def argon2id(*, m: int, t: int, p: int) -> str:
    """Hash as others may have done."""
    hasher = PasswordHasher(time_cost=t, memory_cost=m, parallelism=p)
    return hasher.hash("correct horse", salt=b"salt" * 4)


@pytest.mark.parametrize(
    "hashed",
    [
        HASH,
        HASH.replace("$2b$", "$2a$"),
        HASH.replace("$2b$", "$2y$"),
        HASH.replace("$04$", "$14$"),
        argon2id(m=19456, t=2, p=1),
        argon2id(m=7168, t=5, p=1),
    ],
)
def test_hash(hashed: str) -> None:
    """What a log-in can verify is taken."""
    assert isinstance(read(passwordHash=hashed), Person)


@pytest.mark.parametrize(
    "hashed",
    [
        "",
        "correct horse",
        HASH[:-1],
        HASH.replace("$2b$", "$2x$"),
        HASH.replace("$04$", "$03$"),
        HASH.replace("$04$", "$15$"),
        HASH[:28] + "z" + HASH[29:],
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "$argon2i$v=19$m=4096,t=3,p=1$c2FsdHNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A",
        argon2id(m=19456, t=3, p=1),
        argon2id(m=64, t=1, p=4),
    ],
)
def test_wrong_hash(hashed: str) -> None:
    """What no log-in can verify in the usual time is refused, and not repeated."""
    refused = read(passwordHash=hashed)

    assert isinstance(refused, Refused)
    assert refused.reason.startswith("passwordHash ")
    assert not hashed or hashed not in refused.reason


WRONG: tuple[tuple[bytes, str], ...] = (
    (b"{", "is no JSON object in UTF-8"),
    (b'{"email":"\xff"}', "is no JSON object in UTF-8"),
    (b"\xff\xfe{\x00}\x00", "is no JSON object in UTF-8"),
    (b"a,b,c", "is no JSON object in UTF-8"),
    (b"[]", "is wrong: Expected `object`, got `array`"),
    (b"[" * 10_000, "is wrong: Expected `object`, got `array`"),
    (b"null", "is wrong: Expected `object`, got `null`"),
    (b"{}", "is wrong: Object missing required field `email`"),
    (b'{"email":"a@b"}', "is wrong: Object missing required field `passwordHash`"),
    (b'{"email":1,"passwordHash":""}', "is wrong at `email`: Expected `str`, got `int`"),
    (b'{"email":"a@b","passwordHash":"","roles":"x"}', "at `roles`: Expected `array`, got `str`"),
    (b'{"email":"a@b","passwordHash":"","roles":[1]}', "at `roles[0]`: Expected `str`"),
    (b'{"email":"a@b","passwordHash":"","disabled":1}', "at `disabled`: Expected `bool`"),
    (b'{"email":"a@b","password":"secret"}', "has a member password that means nothing"),
    (b'{"email":"a@b","$2b$12$secret":1}', "has unknown members"),
    (b'{"email":"a b@c","passwordHash":""}', "email is not an email address: "),
    (b'{"email":"a@b","passwordHash":"$2b$secret"}', "passwordHash is neither bcrypt ("),
)


@pytest.mark.parametrize(("line", "says"), WRONG)
def test_wrong(line: bytes, says: str) -> None:
    """Each line that is wrong has a reason, which repeats no value."""
    refused = read_line(line)

    assert isinstance(refused, Refused)
    assert says in refused.reason
    assert "secret" not in refused.reason


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("name", ""),
        ("name", "a" * 201),
        ("name", "Ada\x1b[2J"),
        ("roles", []),
        ("roles", ["king"]),
        ("roles", ["author", "$2b$12$secret"]),
    ],
)
def test_wrong_member(member: str, value: object) -> None:
    """Names that cannot be shown and roles that nobody has are refused."""
    refused = read(**{member: value})

    assert isinstance(refused, Refused)
    assert refused.reason.startswith(f"{member} must ")
    assert "secret" not in refused.reason


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.text(max_size=10) | st.booleans(),
        lambda inner: st.dictionaries(
            st.sampled_from(["email", "passwordHash", "roles", "x"]), inner | st.lists(inner)
        ),
    ).map(msgspec.json.encode)
)
def test_any_line(line: bytes) -> None:
    """No line whatever ends in anything but an answer."""
    assert isinstance(read_line(line), Refused | Person)
