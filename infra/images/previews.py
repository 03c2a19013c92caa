"""Has previews made in a process of their own for each image, and believes nothing that it says.

Decoders are where images do harm: by their bugs, by memory, by time. So the process has no secret,
limits that it cannot raise, and an answer that is checked. Whatever becomes of it, this one goes
on.
"""

import asyncio
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Annotated

import msgspec

from commands.file_store import Blob
from commands.images import (
    MAX_PIXELS,
    THUMBNAIL_WIDTHS,
    ImageHeader,
    MadePreviews,
    MadeThumbnail,
    PreviewFault,
    PreviewsNotMadeError,
)
from domain.file_type import FileType
from infra.images.header import image_header

_PROCESS = Path(__file__).with_name("preview_process.py")
_PIECE = 256 * 1024
_ANSWER_BYTES = 32 * 1024 * 1024
_CRASHES = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL}


class Limits(msgspec.Struct, frozen=True):
    """What one image may cost."""

    pixels: int = MAX_PIXELS
    memory_bytes: int = 1280 * 1024 * 1024
    """Of addresses. WebP takes most: 16 bytes for each of 50 million pixels, and the file."""
    cpu_seconds: int = 20
    """About ten times what any honest image of 50 megapixels takes."""
    patience_seconds: float = 120.0
    """For all of it, on a machine that is busy with other things."""


class _Thumbnail(msgspec.Struct, frozen=True):
    width: int
    height: int
    size: Annotated[int, msgspec.Meta(gt=0, le=_ANSWER_BYTES)]


class _Answer(msgspec.Struct, frozen=True, tag="previews"):
    """The line with which the process begins."""

    blur_hash: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z#$%*+,.:;=?@\[\]^_{|}~-]{28}$")]
    thumbnails: Annotated[tuple[_Thumbnail, ...], msgspec.Meta(max_length=len(THUMBNAIL_WIDTHS))]


class _Refusal(msgspec.Struct, frozen=True, tag="fault"):
    """What it says instead."""

    fault: PreviewFault


class PillowPreviews:
    """Makes previews with Pillow, of one image at a time: each may take a large part of memory."""

    def __init__(self, limits: Limits = Limits()) -> None:  # noqa: B008 - frozen
        self._limits = limits
        self._one_at_a_time = asyncio.Semaphore()

    async def make(self, image: Blob) -> MadePreviews | PreviewFault:
        """Make them. Raises `PreviewsNotMadeError` or `StorageUnavailableError`."""
        async with self._one_at_a_time, _as_file(image) as file:
            try:
                async with asyncio.timeout(self._limits.patience_seconds):
                    code, said = await self._run(file)
            except TimeoutError as error:
                raise PreviewsNotMadeError("they took too long") from error
        if code == -signal.SIGXCPU:
            return PreviewFault.TOO_COSTLY
        if -code in _CRASHES:
            return PreviewFault.UNREADABLE
        if code != 0:
            raise PreviewsNotMadeError(f"the process of the previews ended with {code}")
        return _checked(said)

    async def _run(self, file: int) -> tuple[int, bytes]:
        """Give how the process ended, and what it said before."""
        limits = self._limits
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            _PROCESS,
            *map(str, (limits.pixels, limits.memory_bytes, limits.cpu_seconds)),
            *map(str, THUMBNAIL_WIDTHS),
            stdin=file,
            stdout=PIPE,
            stderr=DEVNULL,
            env={},
            cwd="/",
            start_new_session=True,  # Ctrl-C is for this process to answer
        )
        try:
            assert process.stdout  # noqa: S101 - it was started with a pipe
            said = bytearray()
            while piece := await process.stdout.read(_PIECE):
                said += piece
                if len(said) > _ANSWER_BYTES:
                    raise PreviewsNotMadeError("the process of the previews says too much")
            return await process.wait(), bytes(said)
        finally:
            if process.returncode is None:
                process.kill()
            # Reads what is left: asyncio takes a process for ended only when its output is, and
            # does not look at output that nobody takes.
            await process.communicate()


@asynccontextmanager
async def _as_file(image: Blob) -> AsyncIterator[int]:
    """Give an image as an open file of this machine's, which it may be already."""
    if image.descriptor is not None:
        yield image.descriptor
        return
    with tempfile.TemporaryFile() as file:
        for offset in range(0, image.size, _PIECE):
            file.write(await image.read(offset, _PIECE))
        file.flush()
        file.seek(0)
        yield file.fileno()


def _checked(said: bytes) -> MadePreviews | PreviewFault:
    """Read an answer, and see that it is what it says it is."""
    line, _, rest = said.partition(b"\n")
    try:
        answer = msgspec.json.decode(line, type=_Answer | _Refusal)
    except msgspec.MsgspecError as error:
        raise PreviewsNotMadeError("the process of the previews makes no sense") from error
    if isinstance(answer, _Refusal):
        return answer.fault
    thumbnails = []
    for each in answer.thumbnails:
        content, rest = rest[: each.size], rest[each.size :]
        if image_header(BytesIO(content)) != ImageHeader(FileType.WEBP, each.width, each.height):
            raise PreviewsNotMadeError("the process of the previews gives other pictures")
        thumbnails.append(MadeThumbnail(each.width, each.height, content))
    return MadePreviews(answer.blur_hash, tuple(thumbnails))
