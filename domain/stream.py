"""The names of things in the log: streams, and who is behind an event."""

from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class Stream(NamedTuple):
    """One aggregate's history: a category such as `post` and the aggregate's id."""

    category: str
    id: UUID

    def __str__(self) -> str:
        """Give the form used in addresses and on the command line: `post/0190...`."""
        return f"{self.category}/{self.id}"


class Role(StrEnum):
    """What an account may do; an account can hold several."""

    AUTHOR = "author"
    ADMIN = "admin"
    AUDITOR = "auditor"
    OPERATOR = "operator"


WANT_SECOND_FACTOR = frozenset({Role.ADMIN, Role.AUDITOR, Role.OPERATOR})
"""The roles with power over others: where it is enforced, they count only with a second factor."""


class Actor(NamedTuple):
    """Whoever asks, as the database knows them at this moment."""

    account_id: UUID
    roles: frozenset[Role]

    def has(self, *roles: Role) -> bool:
        """Tell whether the actor holds any of these roles."""
        return not self.roles.isdisjoint(roles)
