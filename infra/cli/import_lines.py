"""The lines of a file of accounts: cut from its bytes, and read one by one.

What is refused is refused with a reason that repeats nothing of the line but the name of a member:
there are hashes of passwords in it.
"""

import re

import msgspec

from domain.stream import Role
from infra.identity.email_address import email_fault
from infra.identity.password_hashing import (
    HIGHEST_BCRYPT_COST,
    LOWEST_BCRYPT_COST,
    Argon2id,
    Bcrypt,
    kind_of,
)
from infra.identity.passwords import STRONG

LONGEST_LINE = 16 * 1024
"""Bytes."""
_LONGEST_NAME = 200
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MEMBER = re.compile(r"unknown field `(\w{1,40})`")
_WHERE = re.compile(r" - at `\$[^`]*`$")


class Line(msgspec.Struct, frozen=True):
    """A line with something on it."""

    number: int
    data: bytes | None
    """None, if there is too much of it."""


class Lines:
    """Cuts bytes as they come into lines, and holds no more than one."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._too_long = False
        self._number = 0

    def feed(self, data: bytes) -> list[Line]:
        """Give the lines that are complete now, without those that are blank."""
        *ended, begun = data.split(b"\n")
        lines = []
        for part in ended:
            self._add(part)
            lines += self.end()
        self._add(begun)
        return lines

    def end(self) -> list[Line]:
        """Give what there is of the last line."""
        self._number += 1
        data, too_long = bytes(self._rest), self._too_long
        self._rest.clear()
        self._too_long = False
        if self._number == 1:
            data = data.removeprefix(_BYTE_ORDER_MARK)
        data = data.strip()
        return [Line(self._number, None if too_long else data)] if too_long or data else []

    def _add(self, part: bytes) -> None:
        self._too_long = self._too_long or len(self._rest) + len(part) > LONGEST_LINE
        if self._too_long:
            self._rest.clear()
        else:
            self._rest += part


class Person(msgspec.Struct, frozen=True):
    """Somebody who is to have an account."""

    email: str
    name: str | None
    roles: frozenset[Role]
    password_hash: str
    disabled: bool


class Refused(msgspec.Struct, frozen=True):
    """The line is wrong, and why."""

    reason: str


class _Members(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    email: str
    password_hash: str
    name: str | None = None
    roles: tuple[str, ...] = (Role.AUTHOR.value,)
    disabled: bool = False


_decode = msgspec.json.Decoder(_Members).decode


def read_line(data: bytes | None) -> Person | Refused:
    """Read one line."""
    if data is None:
        return Refused(f"is longer than {LONGEST_LINE:,} bytes")
    try:
        members = _decode(data)
    except msgspec.ValidationError as error:
        return Refused(_without_values(str(error)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Refused("is no JSON object in UTF-8")
    fault = (
        _email_fault(members.email)
        or _name_fault(members.name)
        or _roles_fault(members.roles)
        or _hash_fault(members.password_hash)
    )
    if fault is not None:
        return Refused(fault)
    return Person(
        email=members.email.strip(),
        name=members.name,
        roles=frozenset(map(Role, members.roles)),
        password_hash=members.password_hash,
        disabled=members.disabled,
    )


def _without_values(message: str) -> str:
    if "unknown field" in message:
        found = _MEMBER.search(message)
        return f"has a member {found[1]} that means nothing" if found else "has unknown members"
    where = _WHERE.search(message)
    what = message[: where.start()] if where else message
    return f"is wrong{where[0].replace(' - at `$.', ' at `') if where else ''}: {what}"


def _email_fault(email: str) -> str | None:
    fault = email_fault(email)
    return None if fault is None else f"email {fault}"


def _name_fault(name: str | None) -> str | None:
    if name is None or (name.isprintable() and 0 < len(name) <= _LONGEST_NAME):
        return None
    return f"name must have 1 to {_LONGEST_NAME} printable characters"


def _roles_fault(roles: tuple[str, ...]) -> str | None:
    known = [role.value for role in Role]
    if roles and set(roles) <= set(known):
        return None
    return f"roles must be one or several of {', '.join(known)}"


def _hash_fault(text: str) -> str | None:
    ours = Argon2id(STRONG.memory_cost, STRONG.time_cost, STRONG.parallelism)
    match kind_of(text):
        case None:
            return (
                f"passwordHash is neither bcrypt ($2a$, $2b$, $2y$, cost {LOWEST_BCRYPT_COST} to "
                f"{HIGHEST_BCRYPT_COST}) nor argon2id (PHC string, v=19)"
            )
        case Argon2id() as kind if kind.lanes > ours.lanes or kind.work > ours.work:
            # Until it is replaced, each log-in would take long enough to show that it is there.
            return f"passwordHash asks for more than ours: p={ours.lanes}, m times t={ours.work}"
        case Argon2id() | Bcrypt():
            return None
