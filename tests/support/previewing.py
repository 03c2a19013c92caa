"""Images with previews, and what it takes to make them as the worker does."""

import io

import msgspec
from PIL import Image

from commands.file_store import Blob
from commands.images import MadePreviews, MadeThumbnail, PreviewFault, PreviewMaker
from domain import job
from domain.job import Job, Requested
from infra.bootstrap import Product
from infra.files.open import StoredFiles
from tests.support.http import Client
from tests.support.product import START, Api
from tests.support.stored_files import StoredFile, a_file
from workers.jobs import WorkDone, WorkFailed
from workers.previews import KIND, Previewing, preview_work

BLUR_HASH = "LFEx-dt7hps;t7j[jGjua{fQfQfQ"


def a_picture(width: int, height: int, *, form: str = "PNG", colour: str = "teal") -> bytes:
    """Make an image of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, form)
    return out.getvalue()


class Prepared(msgspec.Struct):
    """A maker that gives what was made before, without looking at the image."""

    made: MadePreviews | PreviewFault | Exception = MadePreviews(
        BLUR_HASH,
        (
            MadeThumbnail(320, 160, a_picture(320, 160, form="WEBP")),
            MadeThumbnail(640, 320, a_picture(640, 320, form="WEBP")),
        ),
    )
    asked: int = 0

    async def make(self, _: Blob) -> MadePreviews | PreviewFault:
        """Give it, or raise it."""
        self.asked += 1
        if isinstance(self.made, Exception):
            raise self.made
        return self.made


class Attempt(msgspec.Struct):
    """An attempt at a job outside of any worker."""

    job: Job

    async def progress(self, percent: int) -> None:
        """Take note of nothing."""


def previewing(product: Product, stored: StoredFiles, maker: PreviewMaker) -> Previewing:
    """Put together what making previews works with."""
    return Previewing(product.files, product.file_queries, stored.store, stored.uploads, maker)


async def make_previews(
    product: Product, stored: StoredFiles, file: StoredFile, maker: PreviewMaker
) -> WorkDone | WorkFailed:
    """Do the job of an image once, whoever else does it."""
    asked = Requested(KIND, subject=str(file.id))
    attempt = Attempt(job.evolve(None, asked, id=file.id, version=1, at=START))
    return await preview_work(previewing(product, stored, maker), lambda: START)(attempt)


async def a_previewed_image(api: Api, client: Client) -> StoredFile:
    """Record an image of an author's, and previews of it."""
    file = await a_file(api, client, a_picture(700, 350))
    done = await make_previews(api.product, api.stored, file, Prepared())
    assert isinstance(done, WorkDone), done
    return file
