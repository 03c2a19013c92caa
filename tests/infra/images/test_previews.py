"""The process that makes previews, seen from the one that starts it: nothing in it does harm."""

import asyncio
import io
import os
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from commands.images import MadePreviews, PreviewFault, PreviewsNotMadeError
from infra.images import previews
from infra.images.previews import Limits, PillowPreviews
from tests.support.waiting import eventually

MEGABYTE = 1024 * 1024


class BytesBlob:
    """A blob that is in no file of this machine's."""

    descriptor = None

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.size = len(content)

    async def read(self, offset: int, length: int) -> bytes:
        """Give a part."""
        return self.content[offset : offset + length]

    def close(self) -> None:
        """Have nothing to let go of."""


class FileBlob(BytesBlob):
    """A blob that is an open file."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(b"")
        self.descriptor = descriptor  # type: ignore[assignment]  # where the other has none


async def made(
    content: bytes,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> MadePreviews | PreviewFault:
    """Make the previews of an image in memory."""
    return await PillowPreviews(limits).make(BytesBlob(content))


def image(form: str, size: tuple[int, int] = (700, 500), **options: object) -> bytes:
    """Make an image that compresses badly."""
    out = io.BytesIO()
    Image.effect_noise(size, 80).convert("RGB").save(out, form, **options)
    return out.getvalue()


def png(width: int, height: int, pixels: bytes, *, colour: int = 0) -> bytes:
    """Make a PNG that claims dimensions, whatever its pixels are."""
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def many_scans(count: int) -> bytes:
    """Make a progressive JPEG of few bytes that repeats a scan over all of its pixels."""
    out = io.BytesIO()
    Image.new("L", (5_000, 5_000), 128).save(out, "JPEG", progressive=True)
    content = out.getvalue()
    last = content.rfind(b"\xff\xda")
    return content[:last] + content[last:-2] * count + content[-2:]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
async def test_previews(form: str, tmp_path: Path) -> None:
    """A file of this machine's and any other blob get the same previews."""
    content = image(form)
    path = tmp_path / "image"
    path.write_bytes(content)
    with path.open("rb") as file:
        of_file = await PillowPreviews().make(FileBlob(file.fileno()))
    of_bytes = await made(content)

    assert isinstance(of_file, MadePreviews)
    assert of_file == of_bytes
    assert len(of_file.blur_hash) == 28
    assert [(each.width, each.height) for each in of_file.thumbnails] == [(320, 229), (640, 457)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        image("GIF"),
        image("BMP"),
        image("TIFF"),
        image("ICO"),
        image("JPEG2000"),
        png(700, 500, b"no pixels"),
        png(700, 500, zlib.compress(b"\0" * 99)),
    ],
    ids=[
        "empty",
        "text",
        "svg",
        "ps",
        "gif",
        "bmp",
        "tiff",
        "ico",
        "jp2",
        "no-pixels",
        "few-pixels",
    ],
)
async def test_not_an_image(content: bytes) -> None:
    """What is no sound JPEG, PNG or WebP is unreadable, also where Pillow knows other forms."""
    assert await made(content) is PreviewFault.UNREADABLE


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
async def test_damaged_images(form: str) -> None:
    """An image that was cut short, or altered, has previews or a fault, and never an exception."""
    whole = image(form)
    random_ = random.Random(form)  # noqa: S311 - the same damage each time
    cut = whole[: random_.randrange(100, len(whole) - 10)]
    altered = bytearray(whole)
    for _ in range(50):
        altered[random_.randrange(60, len(altered))] = random_.randrange(256)

    assert await made(cut) is PreviewFault.UNREADABLE
    assert isinstance(await made(bytes(altered)), MadePreviews | PreviewFault)


@pytest.mark.parametrize(
    "content",
    [
        png(65_535, 65_535, zlib.compress(b"\0" * 1000)),
        png(7_072, 7_072, zlib.compress(b"\0" * 1000)),
        b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff" * 6 + bytes(30),
    ],
    ids=["png", "png-a-little", "webp"],
)
async def test_flood_of_pixels(content: bytes) -> None:
    """More than 50 megapixels are not decoded."""
    assert await made(content) is PreviewFault.TOO_COSTLY


async def test_memory_is_limited() -> None:
    """A bomb of 25 megapixels in some kilobytes ends where its memory does."""
    bomb = png(5_000, 5_000, zlib.compress(bytes(15_001 * 5_000), 9), colour=2)
    outcome = await made(bomb, Limits(memory_bytes=128 * MEGABYTE))

    assert len(bomb) < 100_000
    assert outcome is PreviewFault.TOO_COSTLY
    assert isinstance(await made(bomb), MadePreviews)


async def test_time_is_limited() -> None:
    """An image of a few hundred kilobytes that takes minutes to decode is given up."""
    outcome = await made(many_scans(4_000), Limits(cpu_seconds=1))

    assert outcome is PreviewFault.TOO_COSTLY


_TELL_PID = "import json, os, signal, sys, time\nopen({!r}, 'w').write(str(os.getpid()))"


def runs(folder: Path) -> bool:
    """Tell whether the process that took the other's place has begun and not ended."""
    pid = folder / "pid"
    try:
        text = pid.read_text()
        if text:
            os.kill(int(text), 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return bool(text)


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Have other code run in place of the process's own."""

    def replace(code: str) -> None:
        path = tmp_path / "other.py"
        path.write_text(f"{_TELL_PID.format(str(tmp_path / 'pid'))}\n{code}\n")
        monkeypatch.setattr(previews, "_PROCESS", path)

    return replace


async def test_patience_is_limited(replaced: Callable[[str], None], tmp_path: Path) -> None:
    """A process that does nothing at all is ended."""
    replaced("time.sleep(600)")
    with pytest.raises(PreviewsNotMadeError, match="too long"):
        await made(b"", Limits(patience_seconds=0.3))

    assert not runs(tmp_path)


WEBP = "52494646" + "1a00000057454250" + "5650384c0d0000002f02400000071011fd8f0244840000"
SAY = "sys.stdout.buffer.write(json.dumps({}).encode() + b'\\n' + {})"
HONEST = {"type": "previews", "blur_hash": "L" * 28}


@pytest.mark.parametrize(
    "code",
    [
        "",
        "print('nonsense')",
        "sys.exit(3)",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "sys.stdout.buffer.write(bytes(40_000_000))",
        SAY.format(
            {**HONEST, "thumbnails": [{"width": 320, "height": 2, "size": 9}]}, "b'<script>'"
        ),
        SAY.format(
            {**HONEST, "thumbnails": [{"width": 9, "height": 2, "size": 34}]},
            f"bytes.fromhex('{WEBP}')",
        ),
        SAY.format({**HONEST, "blur_hash": "<script>", "thumbnails": []}, "b''"),
        SAY.format({**HONEST, "thumbnails": [{"width": 1, "height": 1, "size": 1}] * 4}, "b''"),
        SAY.format({"type": "fault", "fault": "whatever"}, "b''"),
    ],
)
async def test_nothing_is_believed(replaced: Callable[[str], None], code: str) -> None:
    """A process that dies, or says what cannot be, has made no previews."""
    replaced(code)

    with pytest.raises(PreviewsNotMadeError):
        await made(b"")


@pytest.mark.parametrize("number", ["SIGSEGV", "SIGABRT", "SIGBUS"])
async def test_crash(replaced: Callable[[str], None], number: str) -> None:
    """An image that makes the decoder crash is unreadable."""
    replaced(f"os.kill(os.getpid(), signal.{number})")

    assert await made(b"") is PreviewFault.UNREADABLE


async def test_no_secret_is_near(
    replaced: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process gets nothing of this one's environment."""
    monkeypatch.setenv("LEDGERPRESS_DATABASE_URL", "canary")
    replaced("sys.exit(3 if os.environ.get('LEDGERPRESS_DATABASE_URL') else 4)")

    with pytest.raises(PreviewsNotMadeError, match="4"):
        await made(b"")


async def test_whoever_does_not_wait_leaves_no_process(
    replaced: Callable[[str], None], tmp_path: Path
) -> None:
    """When the caller is cancelled, the process is ended."""
    replaced("time.sleep(600)")
    making = asyncio.create_task(made(b""))

    async def started() -> bool:
        return runs(tmp_path)

    assert await eventually(started)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making

    assert not runs(tmp_path)
