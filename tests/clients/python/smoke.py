"""Uses the generated Python client as somebody would: `smoke.py ADDRESS EMAIL PASSWORD`.

`tests/clients/test_python_client.py` generates the client, checks the types of this file against
it, and runs it.
"""

import sys
from http import HTTPStatus
from io import BytesIO
from uuid import UUID

from ledgerpress_client import AuthenticatedClient, Client
from ledgerpress_client.api.accounts import log_in
from ledgerpress_client.api.exports import read_export, request_export
from ledgerpress_client.api.files import download_file, upload_file
from ledgerpress_client.api.posts import create_post, edit_post, list_posts, publish_post, read_post
from ledgerpress_client.models.category import Category
from ledgerpress_client.models.create_post import CreatePost
from ledgerpress_client.models.export_asked import ExportAsked
from ledgerpress_client.models.export_body import ExportBody
from ledgerpress_client.models.file_body import FileBody
from ledgerpress_client.models.login import Login
from ledgerpress_client.models.patch_post import PatchPost
from ledgerpress_client.models.post_body import PostBody
from ledgerpress_client.models.post_page import PostPage
from ledgerpress_client.models.problem import Problem
from ledgerpress_client.models.tokens import Tokens
from ledgerpress_client.models.upload_form import UploadForm
from ledgerpress_client.types import File, Unset

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


def signed_in(address: str, email: str, password: str) -> AuthenticatedClient:
    """Log in, and give a client that shows the token."""
    with Client(base_url=address) as anybody:
        wrong = log_in.sync(client=anybody, body=Login(email=email, password=password[::-1]))
        tokens = log_in.sync(client=anybody, body=Login(email=email, password=password))

    assert isinstance(wrong, Problem)
    assert (wrong.status, wrong.error) == (401, "invalid_credentials")
    assert isinstance(tokens, Tokens)
    return AuthenticatedClient(base_url=address, token=tokens.token)


def write_and_read(client: AuthenticatedClient) -> None:
    """Create a post, read it, edit it at its version, and fail to at an old one."""
    draft = CreatePost(title="Tea", content="How to make tea.", category=Category.TECH)
    created = create_post.sync_detailed(client=client, body=draft, idempotency_key='"once"')
    again = create_post.sync_detailed(client=client, body=draft, idempotency_key='"once"')
    post = created.parsed
    assert isinstance(post, PostBody)
    assert created.status_code == HTTPStatus.CREATED
    assert again.headers["location"] == created.headers["location"]

    tag = created.headers["etag"]
    read = read_post.sync_detailed(post.id, client=client)
    same = read_post.sync_detailed(post.id, client=client, if_none_match=tag)
    assert (read.parsed, read.headers["etag"]) == (post, tag)
    assert same.status_code == HTTPStatus.NOT_MODIFIED

    change = PatchPost(title="Green tea", cover_image=None)
    edited = edit_post.sync_detailed(post.id, client=client, body=change, if_match=tag)
    stale = edit_post.sync_detailed(post.id, client=client, body=change, if_match=tag)
    assert isinstance(edited.parsed, PostBody)
    assert (edited.parsed.title, edited.parsed.version) == ("Green tea", 2)
    assert isinstance(stale.parsed, Problem)
    assert (stale.status_code, stale.parsed.error) == (412, "stale_version")
    assert stale.parsed.current_tag == edited.headers["etag"]

    blank = create_post.sync(
        client=client, body=CreatePost(title=" ", content="x", category=Category.TECH)
    )
    nothing = read_post.sync(UUID(int=0), client=client)
    assert isinstance(blank, Problem)
    assert (blank.status, blank.error, blank.member) == (422, "title_blank", "title")
    assert isinstance(nothing, Problem)
    assert nothing.error == "post_not_found"
    assert isinstance(nothing.collides_with, Unset)


def walk_through_pages(client: AuthenticatedClient) -> None:
    """Publish three posts, and read them two at a time."""
    titles = ["One", "Two", "Three"]
    for title in titles:
        post = create_post.sync(
            client=client, body=CreatePost(title=title, content=title, category=Category.BUSINESS)
        )
        assert isinstance(post, PostBody)
        assert isinstance(publish_post.sync(post.id, client=client), PostBody)
    first = list_posts.sync(client=client, limit=2)
    assert isinstance(first, PostPage)
    assert first.next_cursor is not None
    second = list_posts.sync(client=client, limit=2, cursor=first.next_cursor)
    assert isinstance(second, PostPage)

    assert sorted(post.title for post in [*first.items, *second.items]) == sorted(titles)
    assert second.next_cursor is None


def upload_and_export(client: AuthenticatedClient) -> None:
    """Upload a file, download a range of it, and ask for an export."""
    form = UploadForm(File(BytesIO(PDF), file_name="tea.pdf", mime_type="application/pdf"))
    file = upload_file.sync(client=client, body=form)
    assert isinstance(file, FileBody)
    whole = download_file.sync(file.id, client=client)
    part = download_file.sync_detailed(file.id, client=client, range_="bytes=0-3")
    assert whole == PDF
    assert (part.status_code, part.content) == (206, b"%PDF")

    asked = request_export.sync(client=client)
    assert isinstance(asked, ExportAsked)
    export = read_export.sync(asked.job_id, client=client)
    assert isinstance(export, ExportBody)
    assert export.status.value == asked.status == "queued"


def main() -> None:
    """Do all of it, as an author."""
    with signed_in(*sys.argv[1:4]) as client:
        write_and_read(client)
        walk_through_pages(client)
        upload_and_export(client)


if __name__ == "__main__":
    main()
