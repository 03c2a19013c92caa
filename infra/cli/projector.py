"""`ledgerpress projector`: the process that keeps the projections up to date."""

from contextlib import AsyncExitStack

import rich_click as click

from infra.cli.common import database_url, metrics_shown, opened, read_settings, run


@click.command()
def projector() -> None:
    """Fold new events into activity and search, rebuild what operators ask for, until SIGTERM.

    Several may run at once.
    """
    # The broker's client would lengthen the start of every other command.
    from infra.serve import (  # noqa: PLC0415
        running_projector,
        running_rebuilder,
        stopped_by_signals,
    )
    from infra.store.nats_hints import shared_hints  # noqa: PLC0415

    settings = read_settings()

    async def work() -> None:
        async with AsyncExitStack() as parts:
            stop = parts.enter_context(stopped_by_signals())
            product = await parts.enter_async_context(opened(settings, "projector"))
            await parts.enter_async_context(metrics_shown(product, settings))
            if settings.nats_url is not None:
                await parts.enter_async_context(shared_hints(settings.nats_url, product.hints))
            await parts.enter_async_context(running_projector(product))
            await parts.enter_async_context(running_rebuilder(product, database_url(settings)))
            click.echo("projecting", err=True)
            await stop.wait()

    run(work())
