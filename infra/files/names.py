"""What people called their files: sealed with their own keys, as names say much about persons."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from commands.files import SealedName
from infra.identity.personal_data import Erased, PersonalData
from projections.database import Database, load_queries

QUERIES = load_queries(Path(__file__).with_name("names.sql"))
_FIELD = "name"


class SealedNames:
    """See `commands.files.Names`. Keys are read each time: who is erased must be gone for all."""

    def __init__(self, database: Database, personal_data: PersonalData) -> None:
        self._database = database
        self._personal_data = personal_data

    async def seal(self, owner_id: UUID, file_id: UUID, name: str) -> str | None:
        """Seal a name for a file's first event; None for somebody who was erased."""
        key = await self._personal_data.key_of(owner_id)
        return None if isinstance(key, Erased) else key.seal(file_id, _FIELD, name)

    async def open(self, sealed: Sequence[SealedName]) -> Sequence[str | None]:
        """Give the names in the same order; None where there is none, or none any more."""
        owners = {each.owner_id for each in sealed if each.text is not None}
        rows = await self._database.fetch(QUERIES["person_keys"], list(owners)) if owners else []
        keys = {row[0]: self._personal_data.unwrapped(row[0], row[1]) for row in rows}
        return [
            keys[each.owner_id].open(each.file_id, _FIELD, each.text)
            if each.text is not None and each.owner_id in keys
            else None
            for each in sealed
        ]
