"""The options by which `ledgerpress events` chooses events, and their types."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from uuid import UUID

import rich_click as click

from api.times import parse_rfc3339
from commands.ports import LogFilter
from domain.stream import Stream


class _StreamType(click.ParamType[LogFilter]):
    """A category, or one stream of it."""

    name = "stream"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> LogFilter:
        category, slash, stream_id = value.partition("/")
        if not category.isidentifier():
            self.fail("give a category such as post, or a stream such as post/<id>", param, ctx)
        if not slash:
            return LogFilter(category=category)
        try:
            return LogFilter(stream=Stream(category, UUID(stream_id)))
        except ValueError:
            self.fail(f"{stream_id!r} is not a UUID", param, ctx)


class _MomentType(click.ParamType[datetime]):
    """A time with its offset."""

    name = "time"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        moment = parse_rfc3339(value)
        if moment is None:
            self.fail(f"{value!r} is no RFC 3339 time like 2026-03-01T09:00:00Z", param, ctx)
        return moment


_OPTIONS = (
    click.option(
        "--stream",
        type=_StreamType(),
        default=None,
        help="Only this category (post) or stream (post/<id>).",
    ),
    click.option("--type", "event_type", help="Only this type, such as post.created.v1."),
    click.option("--actor", type=click.UUID, help="Only what this account caused."),
    click.option("--since", type=_MomentType(), help="Only from this time on."),
    click.option("--until", type=_MomentType(), help="Only before this time."),
)


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options, and their values as one `LogFilter` named `which`."""

    @wraps(command)
    def with_filter(
        *args: Any,  # noqa: ANN401 - whatever click passes on
        stream: LogFilter | None,
        event_type: str | None,
        actor: UUID | None,
        since: datetime | None,
        until: datetime | None,
        **others: Any,  # noqa: ANN401
    ) -> None:
        chosen = stream or LogFilter()
        which = LogFilter(
            category=chosen.category,
            stream=chosen.stream,
            type=event_type,
            actor=actor,
            since=since,
            until=until,
        )
        command(*args, which=which, **others)

    for option in reversed(_OPTIONS):
        with_filter = option(with_filter)
    return with_filter
