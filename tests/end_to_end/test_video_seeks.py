"""What browsers make of files: a video seeks, an image is seen, a document is saved."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Response

from domain.file_type import FileType
from tests.support.browser import a_browser, a_site
from tests.support.posts import a_post_that_is
from tests.support.previewing import a_picture
from tests.support.product import Api
from tests.support.programs import needs, path_of
from tests.support.uploading import SAMPLES, upload

pytestmark = needs("chromium", "ffmpeg")

SECONDS = 60
DEADLINE_SECONDS = 20
MEGABYTE = 1024 * 1024

# How a minute of noise is made in each form: fast, and some megabytes large.
ENCODINGS = {
    FileType.MP4: (
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
        *("-movflags", "+faststart"),
    ),
    FileType.WEBM: ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"),
}
CODECS = {
    FileType.MP4: 'video/mp4; codecs="avc1.42E01E"',
    FileType.WEBM: 'video/webm; codecs="vp8"',
}

# Seeks before much is loaded, plays, and tells of the first frame that is shown.
SEEK = """
(at) => new Promise((resolve, reject) => {
  const video = document.querySelector('video');
  const look = (_, frame) => Math.abs(frame.mediaTime - at) < 1
    ? resolve({current: video.currentTime, frame: frame.mediaTime, width: frame.width})
    : video.requestVideoFrameCallback(look);
  video.onerror = () => reject(new Error(video.error.message));
  video.requestVideoFrameCallback(look);
  video.currentTime = at;
  video.play().catch(reject);
})
"""


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Run one browser for all tests here."""
    async with a_browser() as browser:
        yield browser


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Give an empty page that knows nothing of others."""
    context = await browser.new_context()
    try:
        yield await context.new_page()
    finally:
        await context.close()


async def a_video(kind: FileType, folder: Path) -> bytes:
    """Encode a minute of noise."""
    path = folder / f"video.{kind.extension}"
    encoder = await asyncio.create_subprocess_exec(
        *(path_of("ffmpeg"), "-v", "error", "-f", "lavfi"),
        *("-i", f"testsrc2=duration={SECONDS}:size=160x90:rate=10,noise=alls=60:allf=t"),
        *(*ENCODINGS[kind], "-b:v", "1200k", "-minrate", "1200k", "-maxrate", "1200k"),
        *("-bufsize", "1200k", "-g", "10", "-threads", "1", str(path)),
    )
    assert await encoder.wait() == 0
    return path.read_bytes()


async def shown(api: Api, content: bytes, kind: FileType, **options: Any) -> str:  # noqa: ANN401 - see upload
    """Upload a file, publish a post that shows it, and give its id."""
    uploaded = await upload(api.author, content, mime=kind, **options)
    assert uploaded.status_code == 201, uploaded.text
    file_id: str = uploaded.json()["id"]
    await a_post_that_is("published", api.author, api.admin, attachments=[file_id])
    return file_id


def first_byte(response: Response) -> int:
    """Tell from where on an answer gives a file."""
    found = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
    return int(found[1]) if found else 0


@pytest.mark.parametrize("kind", ENCODINGS)
async def test_a_video_seeks(api: Api, page: Page, kind: FileType, tmp_path: Path) -> None:
    """A page of another site plays a published video; from the middle on by a range of its own."""
    content = await a_video(kind, tmp_path)
    file_id = await shown(api, content, kind)
    answers: list[Response] = []
    page.on("response", lambda each: answers.append(each) if file_id in each.url else None)
    html = f'<video muted preload="metadata" src="{api.address}/videos/{file_id}"></video>'
    async with a_site(html) as site:
        await page.goto(site)
        if not await page.evaluate(
            "kind => document.createElement('video').canPlayType(kind)", CODECS[kind]
        ):
            pytest.skip(f"this browser does not know {CODECS[kind]}")
        await page.wait_for_function("document.querySelector('video').readyState >= 1")
        async with asyncio.timeout(DEADLINE_SECONDS):
            seen = await page.evaluate(SEEK, SECONDS / 2)
        duration = await page.evaluate("document.querySelector('video').duration")

    assert len(content) > 3 * MEGABYTE
    assert duration == pytest.approx(SECONDS, abs=1)
    assert seen["current"] >= SECONDS / 2
    assert seen["frame"] == pytest.approx(SECONDS / 2, abs=1)
    assert seen["width"] == 160
    assert {each.status for each in answers} == {206}
    assert any(len(content) / 4 < first_byte(each) < len(content) * 3 / 4 for each in answers), [
        each.headers.get("content-range") for each in answers
    ]


async def test_an_image_is_seen(api: Api, page: Page) -> None:
    """A published PNG is shown in a page of another site, and from its address."""
    file_id = await shown(api, a_picture(70, 50), FileType.PNG)
    address = f"{api.address}/files/{file_id}"
    size = "[...document.images].map(each => [each.naturalWidth, each.naturalHeight])"
    async with a_site(f'<img src="{address}">') as site:
        await page.goto(site, wait_until="load")
        in_page = await page.evaluate(size)
    await page.goto(address, wait_until="load")

    assert in_page == [[70, 50]]
    assert await page.evaluate(size) == [[70, 50]]


async def test_a_document_is_saved(api: Api, page: Page, tmp_path: Path) -> None:
    """A published PDF is never opened: the browser saves it under a name that says its type."""
    content = SAMPLES[FileType.PDF]
    file_id = await shown(api, content, FileType.PDF, filename="page.html")
    async with a_site(f'<a href="{api.address}/files/{file_id}">document</a>') as site:
        await page.goto(site)
        async with page.expect_download() as downloading:
            await page.click("a")
        download = await downloading.value
        await download.save_as(tmp_path / "saved")

    assert page.url == site
    assert download.suggested_filename == f"{file_id}.pdf"
    assert (tmp_path / "saved").read_bytes() == content


async def test_a_hostile_name_stays_harmless(api: Api, page: Page) -> None:
    """An image with a page in it is an image, whatever it is called."""
    content = a_picture(70, 50) + b"<script>document.title = 'run'</script>"
    file_id = await shown(api, content, FileType.PNG, filename="a.html")
    await page.goto(f"{api.address}/files/{file_id}", wait_until="load")

    assert await page.evaluate("[document.contentType, document.scripts.length]") == [
        "image/png",
        0,
    ]
    assert await page.title() != "run"
