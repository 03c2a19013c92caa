"""Rebuilding, comparing and undoing what the clicks and the redirects show."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from uuid_utils.compat import uuid7

from commands.clicks import ClickBatch, record_clicks
from commands.handle import Caller
from commands.outcomes import Created
from commands.redirects import NewRedirect, create_redirect
from infra.clicks import PostgresClicks
from infra.projections.compare import Comparison
from infra.projections.cut_over import CutOver
from infra.projections.rebuild import Rebuild, compare_with_log, rebuild, undo
from infra.redirects import redirect_commands
from infra.serve import click_recording
from infra.store.verify import verify
from tests.infra.projections.rebuilding import Rebuilding
from tests.support.log import AT
from tests.support.projecting import caught_up, projecting
from tests.support.services import settings_in


@pytest.mark.parametrize("name", ["clicks", "redirects"])
async def test_rebuilt_compared_and_undone(short: Rebuilding, name: str, tmp_path: Path) -> None:
    """Nothing differs, rows that somebody changed by hand are found, and the log is sound."""
    product = short.written.product
    rules = redirect_commands(product.ledger, product.database, settings_in(tmp_path))
    caller = Caller(None, AT, "ImportRedirect")
    asked = NewRedirect("/old", "/posts", 301)
    made = await create_redirect(rules, lambda _: None, caller, asked)
    clicks = PostgresClicks(product.database)
    for day in (1, 2):
        batch = [(date(2026, 3, day), uuid7(), f"https://ok.example/{n}", n + 1) for n in range(5)]
        await clicks.add(ClickBatch(uuid7(), 1, batch))
    recorded = await record_clicks(click_recording(product), datetime(2026, 3, 2, 9, tzinfo=UTC))
    async with projecting(product):
        await caught_up(product)
    done = await rebuild(short.order(name))
    back = await undo(short.order(name))
    await product.database.fetch(f"update {name} set {_DAMAGE[name]}")  # noqa: S608 - our tables
    compared = await compare_with_log(short.order(name))
    mended = await rebuild(short.order(name))
    report = await verify(product.database, product.codec, lambda *_: None)

    assert isinstance(made, Created), made
    assert recorded == 2
    assert isinstance(done, Rebuild), done
    assert (done.comparison.rows, done.comparison.differing) == (_ROWS[name], 0)
    assert isinstance(back, CutOver), back
    assert isinstance(compared, Comparison), compared
    assert compared.differing == _ROWS[name]
    assert isinstance(mended, Rebuild), mended
    assert report.sound, report


_DAMAGE = {"clicks": "clicks = clicks + 1", "redirects": "target = '/x'"}
_ROWS = {"clicks": 10, "redirects": 1}
