"""`ledgerpress` as a process that begins at once.

To import the program takes most of the time of a short command. One process imports it once; each
command is a fork of it, with the arguments, the environment, the folder and the standard streams of
`command_client.py`, which stands for it: it passes signals on, and ends as the command does.
"""

import atexit
import contextlib
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

_CLIENT = Path(__file__).with_name("command_client.py")
_ROOT = Path(__file__).parents[2]


@cache
def forked() -> list[str]:
    """Give what `python -m infra.cli` would be, with the start made already."""
    cleaning = contextlib.ExitStack()
    folder = cleaning.enter_context(tempfile.TemporaryDirectory(prefix="ledgerpress-test-"))
    address = f"{folder}/commands"
    server = cleaning.enter_context(
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.command_server", address],
            cwd=_ROOT,
            env={"PATH": os.environ["PATH"]},
            # It ends when nobody holds the other end of its input.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
    )
    atexit.register(cleaning.close)
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return [sys.executable, "-I", "-S", str(_CLIENT), address]
