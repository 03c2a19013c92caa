"""Opens what registrations sealed: for the persons, for administrators, for messages."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from commands.identity import Person
from domain.account import Registered
from infra.identity.personal_data import QUERIES, PersonalData
from infra.store.codec import Codec
from projections.database import Database


class PostgresPeople:
    """See `commands.identity.People`. Nothing is remembered: who is erased must be gone for all."""

    def __init__(self, database: Database, personal_data: PersonalData, codec: Codec) -> None:
        self._database = database
        self._personal_data = personal_data
        self._codec = codec

    async def of(self, account_ids: Sequence[UUID]) -> Mapping[UUID, Person]:
        """Give those who exist and are not erased."""
        rows = await self._database.fetch(QUERIES["people"], account_ids)
        return {row[0]: self._opened(*row) for row in rows}

    def _opened(self, account_id: UUID, event_id: UUID, data: str, wrapped_key: bytes) -> Person:
        event = self._codec.decode("account.registered.v1", data)
        assert isinstance(event, Registered)  # noqa: S101 - the first event of every account
        key = self._personal_data.unwrapped(account_id, wrapped_key)
        return Person(
            email=key.open(event_id, "email", event.email),
            name=None if event.name is None else key.open(event_id, "name", event.name),
        )
