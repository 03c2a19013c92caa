"""Programs that tests need and a bare machine lacks: found, asked for, and missed out loud.

A test that needs one says so with `needs`; where it is not installed the test is left out, and the
end of the run names it. This file is a pytest plugin, which `tests/conftest.py` loads.
"""

import os
import shutil
from collections import defaultdict

import pytest

EXECUTABLES: dict[str, tuple[str, ...]] = {
    "chromium": ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "ffmpeg": ("ffmpeg",),
    "nginx": ("nginx",),
    "node": ("node", "nodejs"),
    "npm": ("npm",),
}
"""The names under which each program may be installed."""

ALL_WANTED = "TESTS_NEED_ALL_PROGRAMS"
"""Set to 1, a missing program fails its tests. Not LEDGERPRESS_*: those are the product's."""

_FOLDERS = os.pathsep.join(
    # Where servers are installed; the PATH of a user who is not root often lacks these.
    (os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin")
)
_LEFT_OUT = "left out for want of"
"""The property that a report has of a test that was left out; also from another process."""


def needs(*programs: str) -> pytest.MarkDecorator:
    """Mark a test, or with `pytestmark` a module, that needs these programs of `EXECUTABLES`."""
    unknown = set(programs) - EXECUTABLES.keys()
    if unknown or not programs:
        raise ValueError(f"needs() takes names out of {sorted(EXECUTABLES)}, not {programs}")
    return pytest.mark.needs(*programs)


def find(program: str) -> str | None:
    """Give the path of a program; None where it is not installed."""
    found = (shutil.which(name, path=_FOLDERS) for name in EXECUTABLES[program])
    return next((path for path in found if path), None)


def path_of(program: str) -> str:
    """Give the path of a program that the test `needs`."""
    path = find(program)
    assert path is not None, f"the test lacks its @needs({program!r})"
    return path


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "needs(*programs): leave out where one is not installed")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave the test out, or fail it, before any fixture starts what is not there."""
    wanted = {program for mark in item.iter_markers("needs") for program in mark.args}
    missing = " and ".join(sorted(program for program in wanted if find(program) is None))
    if not missing:
        return
    if os.environ.get(ALL_WANTED) == "1":
        pytest.fail(f"{missing}: not installed, and {ALL_WANTED} is set", pytrace=False)
    item.user_properties.append((_LEFT_OUT, missing))
    pytest.skip(f"{missing}: not installed")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests were left out, for want of which program."""
    left_out: dict[str, list[str]] = defaultdict(list)
    for report in terminalreporter.getreports("skipped"):
        for name, value in report.user_properties:
            if name == _LEFT_OUT:
                left_out[str(value)].append(report.nodeid)
    for missing, tests in sorted(left_out.items()):
        files: dict[str, int] = defaultdict(int)
        for test in tests:
            files[test.partition("::")[0]] += 1
        named = ", ".join(f"{file} ({count})" for file, count in sorted(files.items()))
        number = "1 test" if len(tests) == 1 else f"{len(tests)} tests"
        terminalreporter.write_line(
            f"Left out for want of {missing}: {number}, in {named}", yellow=True
        )
