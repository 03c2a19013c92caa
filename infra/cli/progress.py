"""How far a long run has come, told on standard error: a bar on a terminal, lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

_LINE_EVERY_SECONDS = 5.0


class Progress:
    """Takes the news of one run, which may have several stages."""

    def __init__(self, stage: str, counted: str, console: Console) -> None:
        self._counted = counted
        self._console = console
        self.bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn(f"{{task.fields[count]:,}} {counted}, {{task.fields[rate]:,.0f}}/s  ETA"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self.bar.add_task(stage, total=None, count=0, rate=0.0)
        self._stage = stage
        self._count = 0
        self._began = self._told = self._last = time.monotonic()

    def stage(self, name: str) -> None:
        """Begin something else, where the last stage ended; the same name changes nothing."""
        if name != self._stage:
            self._stage, self._began, self._count = name, self._last, 0
            self.bar.reset(self._task, description=name, total=None, count=0, rate=0.0)

    def __call__(self, done: int, total: int | None, count: int) -> None:
        """Tell how much is done of how much, if that is known, and how many things that gave."""
        self._count, self._last = count, time.monotonic()
        seconds = max(self._last - self._began, 1e-9)
        rate = count / seconds
        if self._console.is_terminal:
            self.bar.update(self._task, completed=done, total=total, count=count, rate=rate)
        elif self._last - self._told >= _LINE_EVERY_SECONDS:
            self._told = self._last
            text = f"{self._stage}: {count:,} {self._counted}, {rate:,.0f}/s"
            if total is not None and done:
                text += f", about {(total - done) * seconds / done:.0f} s left"
            self._console.print(text, highlight=False, soft_wrap=True)

    @property
    def pace(self) -> str:
        """Say how long the stage took, and how fast it was."""
        seconds = max(self._last - self._began, 1e-9)
        return f"in {seconds:.1f} s ({self._count / seconds:,.0f}/s)"


@contextmanager
def progress(stage: str, counted: str) -> Iterator[Progress]:
    """Show progress while inside; `counted` names what is counted, such as events."""
    told = Progress(stage, counted, Console(stderr=True))
    with told.bar:
        yield told
