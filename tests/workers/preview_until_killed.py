"""A program that does the job of an image and kills itself on the way, as `kill -9` would.

Run as `python -m tests.workers.preview_until_killed FILE_ID DATA_DIR POINT`, with the URL of the
database on its input. POINT is `made`, `kept` (one of two thumbnails is in place), `recorded`.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop

from commands.file_store import Blob
from commands.images import MadePreviews, PreviewFault
from infra.bootstrap import open_product
from infra.files.folder import IncomingFile
from infra.files.open import open_files
from infra.identity.passwords import CHEAP
from tests.support.accounts import random_keys
from tests.support.previewing import Prepared, make_previews
from tests.support.services import settings_in
from tests.support.stored_files import StoredFile


def die() -> None:
    """End at once, and let nothing be tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


class DeadlyMaker(Prepared):
    """Dies when it has made what was asked for."""

    async def make(self, image: Blob) -> MadePreviews | PreviewFault:
        """Die."""
        die()
        return await super().make(image)


def deadly_keep() -> None:
    """Die when the first thumbnail is in its place and the second is not."""
    keep = IncomingFile.keep

    async def keep_and_die(self: IncomingFile, digest: str) -> None:
        await keep(self, digest)
        die()

    IncomingFile.keep = keep_and_die  # type: ignore[method-assign]  # here it ends


async def main(file_id: str, data_dir: Path, point: str) -> None:
    """Do the job up to the point."""
    url = sys.stdin.readline().strip()
    async with open_product(url, random_keys(), hashing=CHEAP) as product:
        stored = open_files(product.database, settings_in(data_dir))
        if point == "kept":
            deadly_keep()
        maker: Any = DeadlyMaker() if point == "made" else Prepared()
        await make_previews(product, stored, StoredFile(UUID(file_id), b""), maker)
        die()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
