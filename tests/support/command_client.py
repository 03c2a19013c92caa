"""Stands for one command that `command_server.py` runs. Run by path, with the standard library."""

import json
import os
import signal
import socket
import sys

_PASSED_ON = (signal.SIGINT, signal.SIGTERM)


def main(address: str, *arguments: str) -> None:
    """Have the command run, pass signals on to it, and end as it does."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        socket.send_fds(server, [b"+"], [0, 1, 2])
        folder = os.getcwd()  # noqa: PTH109 - pathlib takes longer to import than all of this
        wanted = {"arguments": arguments, "environment": dict(os.environ), "folder": folder}
        server.sendall(json.dumps(wanted).encode() + b"\n")
        answers = server.makefile("r")
        command = int(answers.readline())
        for number in _PASSED_ON:
            signal.signal(number, lambda number, _frame: os.kill(command, number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
        status = int(answers.readline())
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


main(*sys.argv[1:])
