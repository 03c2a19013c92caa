"""Forks a process for each `ledgerpress` command that `command_client.py` asks for.

Run as `python -m tests.support.command_server SOCKET`; it ends when its input does.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import traceback
from typing import NoReturn

import rich_click as click

from infra.cli.main import cli, main

_IMPORTED_WHEN_CALLED = ("infra.identity.limits", "infra.migrate", "infra.serve")


def serve(address: str) -> None:
    """Take commands until the input ends."""
    context = click.Context(cli)
    for name in cli.list_commands(context):
        cli.get_command(context, name)
    for name in _IMPORTED_WHEN_CALLED:
        importlib.import_module(name)
    assert threading.active_count() == 1, "what has threads cannot be forked"
    gc.freeze()
    # Nobody waits for those who see to a command, and Ctrl-C on a terminal is not for this process.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        os.write(1, b"ready\n")
        while True:
            ready, _, _ = select.select([listening.fileno(), 0], [], [])
            if 0 in ready:
                return
            client, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _see_to(client)
            client.close()


def _see_to(client: socket.socket) -> NoReturn:
    """Run the command that a client asks for, and tell what came of it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(client, 1, 3)
    wanted = json.loads(client.makefile("r").readline())
    command = os.fork()
    if command == 0:
        client.close()
        _become(wanted["arguments"], wanted["environment"], wanted["folder"], streams)
    for stream in streams:
        os.close(stream)
    client.sendall(b"%d\n" % command)
    _, status = os.waitpid(command, 0)
    client.sendall(b"%d\n" % status)
    os._exit(0)


def _become(
    arguments: list[str], environment: dict[str, str], folder: str, streams: list[int]
) -> NoReturn:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["ledgerpress", *arguments]
    code: object = 1
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - as the interpreter would
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    serve(sys.argv[1])
