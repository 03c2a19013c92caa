"""What previews of images look like; the code of the process is called in this one."""

import io
from collections.abc import Iterator

import blurhash  # type: ignore[import-untyped]  # has no annotations
import pytest
from PIL import Image, ImageCms, ImageDraw, ImageOps

from infra.images.preview_process import Previews, previews

WIDTHS = (320, 640, 1280)
FORMS = ("JPEG", "PNG", "WEBP")
CANARY = b"canary-55.7558N-37.6173E"
RED, GREEN, BLUE, WHITE = (250, 10, 10), (10, 200, 10), (10, 10, 250), (255, 255, 255)

# blurhash reads pixels in a way that Pillow means to drop one day.
pytestmark = pytest.mark.filterwarnings("ignore:Image.Image.getdata:DeprecationWarning")

Colour = tuple[int, ...]


def made(picture: Image.Image, form: str = "PNG", **options: object) -> Previews:
    """Make the previews of a picture saved in a form."""
    out = io.BytesIO()
    picture.save(out, form, **options)
    out.seek(0)
    return previews(out, WIDTHS)


def thumbnails(found: Previews) -> Iterator[Image.Image]:
    """Decode the thumbnails."""
    for size, content in found.thumbnails:
        with Image.open(io.BytesIO(content), formats=["WEBP"]) as opened:
            opened.load()
            assert opened.size == size
            yield opened


def middle(found: Previews, mode: str = "RGB") -> Colour:
    """Give the colour in the middle of the first thumbnail."""
    first = next(thumbnails(found))
    colour = first.convert(mode).getpixel((first.width // 2, first.height // 2))
    assert isinstance(colour, tuple)
    return colour


def alike(one: Colour, other: Colour, tolerance: int = 12) -> bool:
    """Compare colours as closely as a lossy form allows."""
    return all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))


def quarters(width: int, height: int) -> Image.Image:
    """Draw red, green, blue and white quarters."""
    picture = Image.new("RGB", (width, height), RED)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((width // 2, 0, width, height // 2), GREEN)
    draw.rectangle((0, height // 2, width // 2, height), BLUE)
    draw.rectangle((width // 2, height // 2, width, height), WHITE)
    return picture


def seen(picture: Image.Image) -> list[Colour]:
    """Give the colours in the middle of each quarter."""
    width, height = picture.size
    points = [(x, y) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]
    return [picture.convert("RGB").getpixel(point) for point in points]  # type: ignore[misc]  # RGB has tuples


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((2000, 1000), [(320, 160), (640, 320), (1280, 640)]),
        ((1280, 3), [(320, 1), (640, 2), (1280, 3)]),
        ((1279, 600), [(320, 150), (640, 300)]),
        ((320, 500), [(320, 500)]),
        ((319, 500), []),
        ((1, 1), []),
        ((640, 1), [(320, 1), (640, 1)]),
        ((400, 16_000), [(320, 12_800)]),
    ],
)
def test_sizes(form: str, size: tuple[int, int], expected: list[tuple[int, int]]) -> None:
    """Each width that the image reaches has a thumbnail in its proportions; none is enlarged."""
    found = made(Image.new("RGB", size, RED), form)

    assert [each.size for each in thumbnails(found)] == expected
    assert len(found.blur_hash) == 28


def test_too_tall_for_webp() -> None:
    """A thumbnail that WebP has no room for is left out, and the others are made."""
    found = made(Image.new("L", (640, 20_000)))

    assert [size for size, _ in found.thumbnails] == [(320, 10_000)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned(form: str, orientation: int) -> None:
    """A thumbnail stands upright, as its image's metadata say."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = quarters(1000, 700)
    found = made(picture, form, exif=exif, quality=95)
    turned = picture.copy()
    turned.info["exif"] = exif.tobytes()
    expected = ImageOps.exif_transpose(turned)
    [first, second] = thumbnails(found) if expected.width < 1280 else []

    assert (first.width, second.width) == (320, 640)
    assert first.height == round(320 * expected.height / expected.width)
    assert all(map(alike, seen(first), seen(expected)))
    assert not first.getexif()


@pytest.mark.parametrize("form", FORMS)
def test_no_metadata(form: str) -> None:
    """Nothing of what an image says besides its pixels is in a thumbnail."""
    exif = Image.Exif()
    exif[0x010E] = CANARY.decode()
    exif.get_ifd(0x8825)[0x001D] = CANARY.decode()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options = {"comment": CANARY} if form == "JPEG" else {}
    picture = Image.new("RGB", (400, 300), RED)
    xmp = b"<x:xmpmeta>" + CANARY
    found = made(picture, form, exif=exif, icc_profile=profile + CANARY, xmp=xmp, **options)
    [content] = [content for _, content in found.thumbnails]
    with Image.open(io.BytesIO(content)) as thumbnail:
        info = set(thumbnail.info)

    assert CANARY not in content
    assert not info & {"exif", "icc_profile", "xmp", "comment"}
    assert {content[12:16]} <= {b"VP8 ", b"VP8L"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_mean_srgb(form: str, mode: str) -> None:
    """Colours are those that the image's profile means."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    if (form, mode) == ("JPEG", "RGBA"):
        mode = "RGB"
    picture = Image.new("RGB", (400, 300), (255, 0, 0)).convert(mode)

    assert alike(middle(made(picture, form, icc_profile=srgb)), (255, 0, 0))
    assert alike(middle(made(picture, form, icc_profile=swapped)), (0, 0, 255))


@pytest.mark.parametrize("profile", [b"not a profile", bytes(200)])
def test_broken_profile(profile: bytes) -> None:
    """A profile that cannot be read is left aside."""
    assert alike(middle(made(Image.new("RGB", (400, 300), RED), icc_profile=profile)), RED)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Image.new("1", (400, 300), 1), (255, 255, 255, 255)),
        (Image.new("L", (400, 300), 100), (100, 100, 100, 255)),
        (Image.new("LA", (400, 300), (100, 50)), (100, 100, 100, 50)),
        (Image.new("RGBA", (400, 300), (*RED, 50)), (*RED, 50)),
        (Image.new("I;16", (400, 300), 100 * 256), (100, 100, 100, 255)),
        (Image.new("I;16", (2000, 1500), 100 * 256), (100, 100, 100, 255)),
        (Image.new("RGB", (400, 300), BLUE).quantize(4), (*BLUE, 255)),
        (Image.new("RGBA", (400, 300), (*BLUE, 0)).quantize(4), (*BLUE, 0)),
    ],
    ids=["1", "L", "LA", "RGBA", "I;16", "I;16-large", "P", "P-transparent"],
)
def test_every_mode(picture: Image.Image, expected: Colour) -> None:
    """Grey, palette, 16-bit and transparent images keep their colours."""
    found = middle(made(picture), "RGBA")

    assert alike(found[3:], expected[3:])
    assert expected[3] == 0 or alike(found, expected)


def test_transparent_colour() -> None:
    """The one colour that a PNG names as transparent is."""
    found = made(Image.new("RGB", (400, 300), RED), transparency=RED)

    assert middle(found, "RGBA")[3] == 0


def test_cmyk() -> None:
    """A JPEG made for print has the colours of a screen."""
    found = made(Image.new("RGB", (400, 300), BLUE).convert("CMYK"), "JPEG")

    assert alike(middle(found), BLUE)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_first_frame(form: str) -> None:
    """Of an animated image the first frame is shown."""
    frames = [Image.new("RGB", (400, 300), colour) for colour in (GREEN, RED, BLUE)]
    found = made(frames[0], form, save_all=True, append_images=frames[1:], duration=50)

    assert alike(middle(found), GREEN)


@pytest.mark.parametrize("size", [(100, 75), (1000, 750), (750, 1000)])
def test_blur_hash(size: tuple[int, int]) -> None:
    """The hash shows roughly what the image does."""
    found = made(quarters(*size))
    decoded: Image.Image = blurhash.decode(found.blur_hash, 8, 8)
    corners = seen(decoded)

    assert [corner.index(max(corner)) for corner in corners[:3]] == [0, 1, 2]
    assert min(corners[3]) > 150


def test_blur_hash_of_nothing() -> None:
    """What is transparent counts as white."""
    transparent = made(Image.new("RGBA", (400, 300), (0, 0, 0, 0)))

    assert transparent.blur_hash == made(Image.new("RGB", (400, 300), "white")).blur_hash
