"""Has the clicks that a product counted recorded and folded, as its workers do in time."""

from commands.clicks import record_clicks
from infra.clicks import PostgresClicks
from infra.serve import click_recording
from tests.support.product import Api
from tests.support.projecting import caught_up, projecting


async def record(api: Api) -> None:
    """Let everything that was counted be in the read model."""
    await api.services.clicks.flush(PostgresClicks(api.product.database))
    await record_clicks(click_recording(api.product), api.clock.now())
    async with projecting(api.product):
        await caught_up(api.product)


async def forget(api: Api) -> None:
    """Let nothing have been counted."""
    await api.services.clicks.flush(PostgresClicks(api.product.database))
    for table in ("waiting_clicks", "link_targets"):
        await api.product.database.fetch(f"delete from {table}")  # noqa: S608 - our tables
