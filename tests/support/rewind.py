"""Puts a database back to what it held before, which is far quicker than making a new one."""

import asyncpg

_TABLES = """
select quote_ident(tablename) from pg_tables where schemaname = 'public' order by tablename
"""


class Rewind:
    """Remembers every row of a database, and brings exactly these back."""

    def __init__(self, owner: asyncpg.Connection, script: str) -> None:
        self._owner = owner
        self._script = script

    @classmethod
    async def remember(cls, owner: asyncpg.Connection) -> "Rewind":
        """Copy every table aside. `owner` must be a superuser: the log refuses all others."""
        tables = [row[0] for row in await owner.fetch(_TABLES)]
        await owner.execute("create schema remembered")
        # Without triggers, as those of the log are there to refuse precisely this.
        lines = ["begin", "set local session_replication_role = replica"]
        for table in tables:
            await owner.execute(f"create table remembered.{table} as table public.{table}")
            lines.append(f"delete from public.{table}")  # noqa: S608 - the database's own names
            lines.append(f"insert into public.{table} table remembered.{table}")
        return cls(owner, ";\n".join([*lines, "commit"]))

    async def rewind(self) -> None:
        """Undo whatever was written since."""
        await self._owner.execute(self._script)
