"""Puts a database back to what it held before, which is far quicker than making a new one."""

import asyncpg

# With the columns that can be written: those that are computed come with the others.
_TABLES = """
select quote_ident(c.relname),
  string_agg(quote_ident(a.attname), ', ' order by a.attnum) filter (where a.attgenerated = '')
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
group by c.relname order by c.relname
"""


class Rewind:
    """Remembers every row of a database, and brings exactly these back."""

    def __init__(self, owner: asyncpg.Connection, script: str) -> None:
        self._owner = owner
        self._script = script

    @classmethod
    async def remember(cls, owner: asyncpg.Connection) -> "Rewind":
        """Copy every table aside. `owner` must be a superuser: the log refuses all others."""
        tables = [tuple(row) for row in await owner.fetch(_TABLES)]
        await owner.execute("create schema remembered")
        # Without triggers, as those of the log are there to refuse precisely this.
        lines = ["begin", "set local session_replication_role = replica"]
        for table, columns in tables:
            rows = f"select {columns} from"
            await owner.execute(f"create table remembered.{table} as {rows} public.{table}")
            lines.append(f"delete from public.{table}")  # noqa: S608 - the database's own names
            lines.append(f"insert into public.{table} ({columns}) {rows} remembered.{table}")
        return cls(owner, ";\n".join([*lines, "commit"]))

    async def rewind(self) -> None:
        """Undo whatever was written since."""
        await self._owner.execute(self._script)
