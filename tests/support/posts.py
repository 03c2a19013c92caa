"""Posts to begin a test with, made over HTTP, and the requests that are made of them most."""

from typing import Any

import httpx

from tests.support.http import Client, if_match, tag_of

CONTENT = "Text."


def a_draft(**members: object) -> dict[str, Any]:
    """Make the body of a request for a new post."""
    return {"title": "A title", "content": CONTENT, "category": "tech", **members}


class Post:
    """A post as the last answer about it showed it."""

    def __init__(self, client: Client, answer: httpx.Response) -> None:
        self.client = client
        self.body: dict[str, Any] = answer.json()
        self.tag = tag_of(answer)
        self.id: str = self.body["id"]
        self.path = f"/posts/{self.id}"
        self.slug: str = self.body["slug"]

    async def do(self, action: str, body: dict[str, Any] | None = None) -> "Post":
        """POST to one of the addresses below the post."""
        answer = await self.client.post(f"{self.path}/{action}", body)
        assert answer.status_code == 200, answer.text
        return Post(self.client, answer)

    async def edit(self, **members: object) -> "Post":
        """Change members, at the version that is known."""
        answer = await self.client.patch(self.path, members, headers=if_match(self.tag))
        assert answer.status_code == 200, answer.text
        return Post(self.client, answer)

    async def delete(self) -> None:
        """Delete it."""
        answer = await self.client.delete(self.path)
        assert answer.status_code == 204, answer.text


async def a_post(client: Client, **members: object) -> Post:
    """Create a draft."""
    answer = await client.post("/posts", a_draft(**members))
    assert answer.status_code == 201, answer.text
    return Post(client, answer)


async def a_published_post(client: Client, **members: object) -> Post:
    """Create a post and publish it."""
    return await (await a_post(client, **members)).do("publish")


HOLD = {"reason": "A court order.", "blockedBy": "https://authority.example/case/7"}


async def hold(admin: Client, post: Post) -> None:
    """Place a legal hold on a post."""
    answer = await admin.post(f"{post.path}/legal-hold", HOLD)
    assert answer.status_code == 200, answer.text


LATER = {"publishAt": "2026-03-02T00:00:00Z"}
"""A day after a test begins."""


async def a_post_that_is(state: str, author: Client, admin: Client, **members: object) -> Post:
    """Bring a new post into a status, or into being `deleted`, `held` or a `held-draft`."""
    post = await a_post(author, **members)
    match state:
        case "draft":
            return post
        case "scheduled":
            return await post.do("schedule", LATER)
        case "published":
            return await post.do("publish")
        case "archived":
            return await post.do("archive")
        case "deleted":
            await post.delete()
        case "held":
            await hold(admin, await post.do("publish"))
        case "held-draft":
            await hold(admin, post)
        case _:
            raise ValueError(state)
    return post
