"""The process that decodes one image and makes its previews, and is then gone.

Run by path with the standard library, Pillow and blurhash alone, as
`preview_process.py MAX_PIXELS MEMORY_BYTES CPU_SECONDS WIDTH...`, with the image as its standard
input. It answers with one line of JSON, then the bytes of each thumbnail. `previews.py` beside it
starts it, and trusts nothing that it says.
"""

import contextlib
import ctypes
import io
import json
import os
import resource
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Any, BinaryIO, NamedTuple

import blurhash  # type: ignore[import-untyped]  # has no annotations
from PIL import ExifTags, Image, ImageCms, ImageOps

FORMATS = ("JPEG", "PNG", "WEBP")
LONGEST_SIDE = 16_383
"""Of a WebP image (RFC 9649, 2.6)."""
QUALITY = 80
HASHED = (32, 32)
"""Pixels of which a hash is made: many times its waves, and the shape does not count."""

_GAP = 2
"""How many times larger than wanted an image is made in haste, before it is resampled well."""
_TURNED = frozenset({5, 6, 7, 8})
_PR_SET_PDEATHSIG = 1

Size = tuple[int, int]


class Previews(NamedTuple):
    """What was made."""

    blur_hash: str
    thumbnails: list[tuple[Size, bytes]]


def confine(max_pixels: int, memory_bytes: int, cpu_seconds: int) -> None:
    """Give up, for ever, whatever decoding one honest image does not need."""
    os.nice(10)
    for limit, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),
    ):
        resource.setrlimit(limit, (soft, hard))
    if sys.platform == "linux":  # alone keeps these two
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    Image.MAX_IMAGE_PIXELS = max_pixels
    # Of what else Pillow warns, honest images are full: metadata that break off, for example.
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def previews(file: BinaryIO, widths: Sequence[int]) -> Previews:
    """Give the hash, and a thumbnail for each width that the image reaches."""
    with Image.open(file, formats=FORMATS) as image:
        size = image.size
        if image.format == "JPEG":  # gives less than all pixels for less than all the work
            image.draft(None, _draft(image, size, widths))
        image.load()
        # Only now: the metadata of a PNG may come after its pixels.
        sizes = _sizes(_turned(image, size), widths)
        small = _in_srgb(_upright(image, max(sizes, default=HASHED)))
    thumbnails = [(size, _webp(small.resize(size))) for size in sizes]
    return Previews(_blur_hash(small), thumbnails)


def _turned(image: Image.Image, size: Size) -> Size:
    """Exchange width and height if the image's metadata do."""
    width, height = size
    orientation = image.getexif().get(ExifTags.Base.Orientation)
    return (height, width) if orientation in _TURNED else (width, height)


def _sizes(shown: Size, widths: Sequence[int]) -> list[Size]:
    width, height = shown
    scaled = [(each, max(1, round(height * each / width))) for each in widths if each <= width]
    return [size for size in scaled if size[1] <= LONGEST_SIDE]


def _draft(image: Image.Image, size: Size, widths: Sequence[int]) -> Size:
    wanted = max(_sizes(_turned(image, size), widths), default=HASHED)
    width, height = _turned(image, wanted)
    return _GAP * width, _GAP * height


def _upright(image: Image.Image, size: Size) -> Image.Image:
    """Resample an image to the size in which it is shown, and turn it as its metadata say."""
    if image.mode in {"1", "P", "PA"} or "transparency" in image.info:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    small = image.resize(_turned(image, size), Image.Resampling.LANCZOS, reducing_gap=_GAP)
    if small.mode.startswith("I"):  # 16 bits; Pillow would cut off what does not fit into 8
        small = small.point(lambda grey: grey * (1 / 256)).convert("L")
    return ImageOps.exif_transpose(small)


def _in_srgb(image: Image.Image) -> Image.Image:
    """Give RGB or RGBA whose values mean sRGB, and nothing besides."""
    alpha = image.getchannel("A") if "A" in image.getbands() else None
    profile = image.info.get("icc_profile")
    colours = image.convert(image.mode.removesuffix("A")) if alpha else image
    if profile:
        # One that is broken, or of other colours, counts for nothing, as in browsers.
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            colours = ImageCms.profileToProfile(colours, source, srgb, outputMode="RGB") or colours
    colours = colours.convert("RGB")
    if alpha:
        colours.putalpha(alpha)
    return colours


def _webp(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=QUALITY)
    return out.getvalue()


def _blur_hash(image: Image.Image) -> str:
    page = Image.new("RGB", image.size, "white")
    page.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
    components = (4, 3) if image.width >= image.height else (3, 4)
    return str(blurhash.encode(page.resize(HASHED), *components))


def _answer(file: BinaryIO, widths: Sequence[int]) -> tuple[dict[str, Any], list[bytes]]:
    try:
        made = previews(file, widths)
    except (MemoryError, Image.DecompressionBombWarning, Image.DecompressionBombError):
        return {"type": "fault", "fault": "image_too_costly"}, []
    except Exception:  # noqa: BLE001 - decoders raise whatever they like about a broken image
        return {"type": "fault", "fault": "image_unreadable"}, []
    sizes = [
        {"width": width, "height": height, "size": len(content)}
        for (width, height), content in made.thumbnails
    ]
    answer = {"type": "previews", "blur_hash": made.blur_hash, "thumbnails": sizes}
    return answer, [content for _, content in made.thumbnails]


def main(max_pixels: int, memory_bytes: int, cpu_seconds: int, *widths: int) -> None:
    """Make the previews of the image on standard input."""
    confine(max_pixels, memory_bytes, cpu_seconds)
    answer, contents = _answer(sys.stdin.buffer, widths)
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.writelines(contents)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
