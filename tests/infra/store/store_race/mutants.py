"""Broken variants of the log's SQL, as text substitutions that must hit.

Each takes away one thing that `append_events` does for a reason.
"""

from collections.abc import Mapping
from typing import NamedTuple

from infra.migrate import MIGRATIONS

SQL = (MIGRATIONS / "versions" / "0012_vacant_scopes.sql").read_text(encoding="utf-8")
FUNCTION = SQL[SQL.index("create function append_events(") :]

LOCK = "  perform pg_advisory_xact_lock(7205759403792793);\n"
HEAD = "  head := coalesce((select max(e.position) from events e), 0);\n"
INSERT = "  insert into events ("
CLAIM_CHECK = "c.owner_id <> append_stream[v.append]"
VACANT_CHECK = "where t.append = v.append\n      ) then 2"
KEY_CHECK = "where k.append = v.append"


class Mutant(NamedTuple):
    """Texts of the function to replace, and statements to run besides."""

    replace: Mapping[str, str] = {}
    also: str = ""

    def sql(self) -> str:
        """Give the statements that break a database. Raises when a text is not there once."""
        function = FUNCTION
        for old, new in self.replace.items():
            if function.count(old) != 1:
                raise ValueError(f"{function.count(old)} times in the function: {old}")
            function = function.replace(old, new)
        return f"{self.also};\n{function.replace('create function', 'create or replace function')}"


NO_UNIQUE_VERSIONS = "alter table events drop constraint events_stream_id_category_version_key"
NO_UNIQUE_POSITIONS = "alter table events drop constraint events_pkey"
SEQUENCE = "create sequence drawn; grant usage on drawn to ledgerpress_app"

MUTANTS: Mapping[str, Mutant] = {
    "no lock": Mutant({LOCK: ""}),
    "no lock, and nothing but the lock keeps positions apart": Mutant(
        {LOCK: ""}, NO_UNIQUE_POSITIONS
    ),
    "the lock ends before the commit": Mutant(
        {
            LOCK: LOCK.replace("_xact", ""),
            "end $$;": LOCK.replace("xact_lock", "unlock") + "end $$;",
        }
    ),
    "the lock is shared": Mutant({LOCK: LOCK.replace("xact_lock", "xact_lock_shared")}),
    "the head is read before the lock": Mutant({LOCK + "\n" + HEAD: HEAD + LOCK}),
    "the lock is taken after the reads": Mutant({LOCK: "", INSERT: LOCK + INSERT}),
    "lock and head share one snapshot": Mutant(
        {
            LOCK: "",
            HEAD: "  select coalesce(max(e.position), 0) into head from"
            " (select pg_advisory_xact_lock(7205759403792793)) as l left join events e on true;\n",
        }
    ),
    "positions from a sequence under the lock": Mutant(
        {"select head + row_number() over ()": "select nextval('drawn')"}, SEQUENCE
    ),
    "positions from a sequence without the lock": Mutant(
        {LOCK: "", "select head + row_number() over ()": "select nextval('drawn')"}, SEQUENCE
    ),
    "positions left to the order of versions": Mutant({"head + row_number() over ()": "head + 1"}),
    "no version is checked": Mutant({"a.expected in (-1, a.version)": "true"}, NO_UNIQUE_VERSIONS),
    "must not exist means any": Mutant(
        {"a.expected in (-1, a.version)": "a.expected in (-1, 0, a.version)"}
    ),
    "any older version will do": Mutant(
        {"a.expected in (-1, a.version)": "a.expected <= a.version"}
    ),
    "claims are not checked": Mutant({CLAIM_CHECK: "false"}),
    "vacant scopes are not checked": Mutant({VACANT_CHECK: "where false\n      ) then 2"}),
    "idempotency keys are not checked": Mutant({KEY_CHECK: KEY_CHECK + " and false"}),
    "refused appends are written too": Mutant({"  where verdicts[e.append] = 0;\n": ";\n"}),
    "claims of refused appends are taken": Mutant(
        {"    where verdicts[t.append] = 0\n": "    where true\n"}
    ),
    "claims of refused appends are released": Mutant(
        {"      and verdicts[r.append] = 0;\n": ";\n"}
    ),
    "anybody's claims are released": Mutant({" and c.owner_id = append_stream[r.append]": ""}),
    "keys of refused appends are used": Mutant({"    where verdicts[k.append] = 0;\n": ";\n"}),
    "rows can be changed": Mutant(also="drop trigger events_are_never_changed on events"),
    "the log can be emptied": Mutant(also="drop trigger events_are_never_truncated on events"),
}
