"""Progress: a bar on a terminal, a line now and then elsewhere, silence for what is short."""

import io

import pytest
from rich.console import Console

from infra.cli import progress
from infra.cli.progress import Progress


def a_run(*, terminal: bool) -> str:
    """Show a run of two stages on a console, and give what it wrote."""
    written = io.StringIO()
    told = Progress("reading", "events", Console(file=written, force_terminal=terminal, width=100))
    with told.bar:
        told(0, 2000, 0)
        told(500, 2000, 500)
        told.stage("writing")
        told(10, None, 1234)
    assert told.pace.startswith("in 0.0 s (")
    return written.getvalue()


def test_short() -> None:
    """Elsewhere than on a terminal nothing is said of what takes no time."""
    assert a_run(terminal=False) == ""


def test_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than on a terminal a line tells stage, count, rate and the time that is left."""
    monkeypatch.setattr(progress, "_LINE_EVERY_SECONDS", 0.0)
    lines = a_run(terminal=False).splitlines()

    assert [line.split(",")[0] for line in lines] == [
        "reading: 0 events",
        "reading: 500 events",
        "writing: 1",
    ]
    assert lines[1].endswith(" s left")
    assert not lines[2].endswith(" s left")


def test_bar() -> None:
    """On a terminal a bar shows the same."""
    shown = a_run(terminal=True)

    assert "writing" in shown
    assert "1,234 events" in shown
