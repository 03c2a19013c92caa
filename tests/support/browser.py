"""A real browser, without a window, and a site of its own for it to visit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from tests.support.programs import path_of

_ARGUMENTS = (
    "--no-sandbox",  # tests may run as root, which Chromium's sandbox does not take
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    """Run the system's Chromium until the block ends, for a test that `needs("chromium")`."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path_of("chromium"), args=_ARGUMENTS
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def a_site(page: str) -> AsyncIterator[str]:
    """Serve one page at every path until the block ends, and give its address.

    The name in the address is another one than the product's, so that it is another site.
    """
    body = page.encode()
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head.encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # browsers open connections ahead and close them unused
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}/"
