"""A program for tests to kill: starts the embedded services, tells their pids, and waits.

Run as `python -m tests.support.serve_until_killed DATA_DIR`.
"""

import asyncio
import json
import sys
from pathlib import Path

from infra.embedded.services import embedded_services
from tests.support.services import settings_in


async def main(data_dir: Path) -> None:
    """Print one line of JSON, the pids of the servers, and wait for ever."""
    async with embedded_services(settings_in(data_dir)) as services:
        pids = [services.postgres.pid, services.nats.pid, services.valkey.pid]
        sys.stdout.write(f"{json.dumps(pids)}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
