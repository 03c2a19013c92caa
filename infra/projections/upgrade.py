"""Brings the tables of projections to the schema version of this program, by rebuilding them."""

from collections.abc import Callable
from datetime import datetime

from infra.projections.connection import rebuild_connection
from infra.projections.generations import Busy, standing
from infra.projections.rebuild import Ordered, Refused, Watch, rebuild
from projections.registry import PROJECTIONS


async def upgrade(url: str, watch: Watch, now: Callable[[], datetime]) -> str | None:
    """Rebuild what is of an older version; say why it could not be done, if so.

    What is served stays until each is done, so programs of the older version may read and write
    meanwhile.
    """
    async with rebuild_connection(url) as connection:
        older = [
            projection
            for projection in PROJECTIONS.values()
            if (await standing(connection, projection)).schema_version < projection.schema_version
        ]
    for projection in older:
        match await rebuild(Ordered(url, projection, watch, now)):
            case Busy():
                return f"{projection.name} is being rebuilt by somebody else"
            case Refused(reason):
                return reason
            case _:
                pass
    return None
