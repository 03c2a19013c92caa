"""A worker of webhooks in a process of its own, which finds its receivers on this machine.

Run as `python -m tests.faults.webhook_worker URL PORT CERTIFICATE` with the port of the receiver
and the file of its certificate. It says `delivering` on standard error when it has begun.
"""

import asyncio
import ssl
import sys
from pathlib import Path

from infra.webhooks.sender import HttpSender
from tests.support.receiver import HOST, Receiver, is_this_machine, this_machine
from tests.support.webhooks import open_desk


async def main(url: str, port: int, certificate: Path) -> None:
    """Deliver until it is killed."""
    receiver = Receiver()
    receiver.port = port
    sender = HttpSender(
        [f"{HOST}:{port}"],
        allows=is_this_machine,
        resolve=this_machine,
        tls=ssl.create_default_context(cafile=str(certificate)),
    )
    async with open_desk(url, receiver) as desk, desk.delivering(sender):
        sys.stderr.write("delivering\n")
        sys.stderr.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
