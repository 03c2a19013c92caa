"""A program for tests to kill: serves the product, and tells where and a token for an author.

Run as `python -m tests.support.upload_until_killed DATABASE_URL DATA_DIR`.
"""

import asyncio
import json
import sys
from pathlib import Path

from tests.support.product import running_api


async def main(database_url: str, data_dir: Path) -> None:
    """Print one line of JSON, and serve for ever."""
    async with running_api(database_url, data_dir=data_dir) as api:
        sys.stdout.write(f"{json.dumps([api.host, api.author.token()])}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
