"""The pages of an export, to be read offline: nothing in them runs, or comes from elsewhere.

All that a person wrote is text here and never markup.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from uuid import UUID

from msgspec import Struct

from domain.post import Post
from workers.export_shapes import FileEntry

_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ text-align: left; padding: .25rem .5rem; border-bottom: 1px solid #ccc }}
article div {{ white-space: pre-wrap; overflow-wrap: anywhere }}
dt {{ font-weight: bold }}
</style>
"""


class PostLine(Struct, frozen=True):
    """A post in the list of them."""

    id: UUID
    part: int
    """The part in which its last version is."""
    title: str
    status: str
    deleted: bool
    versions: int
    updated_at: datetime


def posts_path(part: int, extension: str) -> str:
    """Name a part of the posts, so that the names sort as the numbers do."""
    return f"posts/{part:05}.{extension}"


def post_article(post: Post) -> str:
    """Show a post as it stands."""
    title = escape(post.title)
    status = f"{post.status.value}, deleted" if post.deleted else post.status.value
    return (
        f'<article id="{post.id}">\n<h2>{title}</h2>\n'
        f"<p>{status}; {post.category.value}; version {post.version} of "
        f"{_time(post.updated_at)}</p>\n<div>{escape(post.content)}</div>\n</article>\n"
    )


def posts_page(part: int, articles: Sequence[str]) -> bytes:
    """Show the posts of a part."""
    versions = posts_path(part, "json").rpartition("/")[2]
    head = _HEAD.format(title=f"Posts, part {part}")
    way = '<p><a href="../index.html">All that was exported</a>; '
    way += f'<a href="{versions}">all versions</a></p>\n'
    return "".join((head, way, *articles)).encode()


def index_page(
    facts: Sequence[tuple[str, str]], posts: Sequence[PostLine], files: Sequence[FileEntry]
) -> Iterable[bytes]:
    """List everything, in pieces."""
    yield _HEAD.format(title="Exported data").encode()
    yield b"<h1>Exported data</h1>\n<dl>\n"
    for name, value in facts:
        yield f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>\n".encode()
    yield (
        b'</dl>\n<p><a href="account.json">account</a>, <a href="files.json">files</a>, '
        b'<a href="manifest.json">manifest</a>; the events are in the folder events</p>\n'
    )
    yield b"<h2>Posts</h2>\n<table>\n<tr><th>Title<th>Status<th>Versions<th>Changed</tr>\n"
    for post in posts:
        status = f"{post.status}, deleted" if post.deleted else post.status
        page = posts_path(post.part, "html")
        yield (
            f'<tr><td><a href="{page}#{post.id}">{escape(post.title)}</a>'
            f"<td>{escape(status)}<td>{post.versions}<td>{_time(post.updated_at)}</tr>\n"
        ).encode()
    yield b"</table>\n<h2>Files</h2>\n<table>\n<tr><th>Name<th>Type<th>Bytes</tr>\n"
    for file in files:
        name = escape(file.name or file.path or "a file that is gone")
        shown = name if file.path is None else f'<a href="{escape(file.path)}">{name}</a>'
        yield f"<tr><td>{shown}<td>{escape(file.mime)}<td>{file.size}</tr>\n".encode()
    yield b"</table>\n"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC).isoformat(' ', 'seconds')[:-6]} UTC"
