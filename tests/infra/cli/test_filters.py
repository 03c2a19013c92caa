"""The options that choose events: what each says becomes one filter, and nonsense is refused."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
import rich_click as click
from click.testing import CliRunner

from commands.ports import EVERYTHING, LogFilter
from domain.stream import Stream
from infra.cli.filters import filtered

ID = UUID("0190b8a5-7c1e-7d3a-9f10-5e2b6c7d8e9f")


def chosen(*arguments: str) -> LogFilter | str:
    """Give the filter that the arguments make, or what is said against them."""
    found: list[LogFilter] = []

    @click.command()
    @filtered
    def command(which: LogFilter) -> None:
        found.append(which)

    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == (0 if found else 2), result.output
    return found[0] if found else " ".join(result.output.split())


def test_each() -> None:
    """Every option reaches the filter, a time with its offset as UTC."""
    assert chosen() == EVERYTHING
    assert chosen("--stream", "post") == LogFilter(category="post")
    assert chosen(
        "--stream",
        f"post/{ID}",
        "--type",
        "post.created.v1",
        "--actor",
        str(ID),
        "--since",
        "2026-03-01T10:00:00+01:00",
        "--until",
        "2026-03-02T00:00:00Z",
    ) == LogFilter(
        stream=Stream("post", ID),
        type="post.created.v1",
        actor=ID,
        since=datetime(2026, 3, 1, 9, tzinfo=UTC),
        until=datetime(2026, 3, 2, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--stream", "post/1", "'1' is not a UUID"),
        ("--stream", "", "give a category such as post"),
        ("--stream", "/", "give a category such as post"),
        ("--actor", "ada", "not a valid UUID"),
        ("--since", "yesterday", "is no RFC 3339 time"),
        ("--until", "2026-03-01T10:00:00", "is no RFC 3339 time"),
    ],
)
def test_nonsense(option: str, value: str, says: str) -> None:
    """What is no stream, id or time is refused with a reason."""
    assert says in str(chosen(option, value))
