"""Headers of images: what is read of true ones, and what never harms."""

import io
import random
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from commands.images import ImageFault, ImageHeader
from domain.file_type import FileType
from infra.images.header import JPEG_SEGMENTS, image_header

MIMES = {"JPEG": FileType.JPEG, "PNG": FileType.PNG, "WEBP": FileType.WEBP}


def read(data: bytes) -> ImageHeader | ImageFault:
    """Read the header of an image in memory."""
    return image_header(io.BytesIO(data))


def image(
    form: str, size: tuple[int, int] = (70, 50), mode: str = "RGB", **options: object
) -> bytes:
    """Make an image."""
    out = io.BytesIO()
    Image.new(mode, size, 1).save(out, form, **options)
    return out.getvalue()


def png_head(width: int, height: int) -> bytes:
    """Make no more than the signature and the header of a PNG."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + header
        + struct.pack(">I", zlib.crc32(header))
    )


TRUE_IMAGES = {
    **{
        f"png-{mode}": image("PNG", mode=mode)
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
    },
    **{f"jpeg-{mode}": image("JPEG", mode=mode) for mode in ("L", "RGB", "CMYK")},
    "jpeg-progressive": image("JPEG", progressive=True),
    "jpeg-metadata": image("JPEG", exif=b"Exif\0\0" + b"x" * 60_000, icc_profile=b"p" * 200_000),
    "webp-lossy": image("WEBP"),
    "webp-lossless": image("WEBP", lossless=True),
    "webp-alpha": image("WEBP", mode="RGBA"),
    "webp-metadata": image("WEBP", exif=b"Exif\0\0II*\0", icc_profile=b"p" * 100),
    "webp-animated": image(
        "WEBP", save_all=True, append_images=[Image.new("RGB", (70, 50), "red")], duration=9
    ),
}


@pytest.mark.parametrize("name", TRUE_IMAGES)
def test_size_of_every_form(name: str) -> None:
    """Type and dimensions are those that Pillow finds."""
    data = TRUE_IMAGES[name]
    with Image.open(io.BytesIO(data)) as opened:
        expected = ImageHeader(MIMES[opened.format or ""], *opened.size)

    assert read(data) == expected


@pytest.mark.parametrize("form", MIMES)
@given(width=st.integers(1, 600), height=st.integers(1, 600))
def test_any_size(form: str, width: int, height: int) -> None:
    """Width and height are neither mixed up nor cut short."""
    assert read(image(form, (width, height))) == ImageHeader(MIMES[form], width, height)


def test_from_a_path(tmp_path: Path) -> None:
    """A path is read as an open file is."""
    path = tmp_path / "image"
    path.write_bytes(TRUE_IMAGES["webp-lossy"])

    assert image_header(path) == ImageHeader(FileType.WEBP, 70, 50)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_turned_jpeg(orientation: int, order: str) -> None:
    """A JPEG that its metadata turn has the dimensions in which it is shown."""
    exif = Image.Exif()
    exif.endian = order
    exif[0x0112] = orientation
    data = image("JPEG", exif=exif)
    with Image.open(io.BytesIO(data)) as opened:
        shown = ImageOps.exif_transpose(opened).size

    assert read(data) == ImageHeader(FileType.JPEG, *shown)


@pytest.mark.parametrize(
    "tiff",
    [b"", b"II*\0", b"XX*\0" + bytes(20), b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff"],
)
def test_broken_metadata(tiff: bytes) -> None:
    """Metadata that say nothing turn nothing."""
    data = image("JPEG", exif=b"Exif\0\0" + tiff)

    assert read(data) == ImageHeader(FileType.JPEG, 70, 50)


@pytest.mark.parametrize(
    "data",
    [
        png_head(65_535, 65_535),
        png_head(2**31 - 1, 1),
        png_head(50_000_001, 1),
        b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff" * 6,
        b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03",
    ],
    ids=["png", "png-longest", "png-one-more", "webp", "jpeg"],
)
def test_flood_of_pixels(data: bytes) -> None:
    """An image that claims more than 50 megapixels is too large, whatever it holds."""
    assert read(data + bytes(30)) is ImageFault.TOO_LARGE


def test_largest_image() -> None:
    """Exactly 50 megapixels are taken."""
    assert read(png_head(10_000, 5_000)) == ImageHeader(FileType.PNG, 10_000, 5_000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"GIF89a" + bytes(30),
        b"\x89PNG\r\n\x1a\n" + bytes(30),
        png_head(0, 5),
        png_head(5, 0),
        png_head(2**31, 1),
        png_head(5, 5)[:-1],
        png_head(5, 5)[:-1] + b"\0",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xda\0\x02",
        b"\xff\xd8\xff\xe0\0\x01" + bytes(30),
        b"\xff\xd8\xff\xc0\0\x11\x08\0\x05\0\0\x03",
        b"\xff\xd8\xff\xe0\0\x02 not a marker",
        b"\xff\xd8" + b"\xff" * 5_000,
        b"\xff\xd8"
        + b"\xff\xfe\0\x02" * (JPEG_SEGMENTS + 1)
        + b"\xff\xc0\0\x11\x08\0\x05\0\x05\x03",
        b"RIFF\x16\0\0\0WEBPVP8 " + bytes(14),
        b"RIFF\x16\0\0\0WEBPVP8L" + bytes(14),
        b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0",
        b"RIFF\x16\0\0\0WAVEfmt " + bytes(14),
        b"RIFF\x16\0\0\0WEBPVP9 " + bytes(14),
    ],
)
def test_unreadable(data: bytes) -> None:
    """What has no sound header is unreadable."""
    assert read(data) is ImageFault.UNREADABLE


@pytest.mark.parametrize("name", TRUE_IMAGES)
def test_damaged_images(name: str) -> None:
    """An image cut short or altered anywhere gives a header or a fault, never an exception."""
    random_ = random.Random(name)  # noqa: S311 - the same damage each time
    data = TRUE_IMAGES[name]
    for _ in range(200):
        damaged = bytearray(data[: random_.randrange(len(data))])
        for _ in range(random_.randrange(4)):
            if damaged:
                damaged[random_.randrange(min(len(damaged), 400))] = random_.randrange(256)
        found = read(bytes(damaged))

        assert isinstance(found, ImageHeader | ImageFault)


@given(
    st.sampled_from([b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8", b"\x89PNG\r\n\x1a\n", b""]),
    st.binary(),
)
def test_any_bytes(start: bytes, rest: bytes) -> None:
    """No bytes raise anything."""
    assert isinstance(read(start + rest), ImageHeader | ImageFault)
