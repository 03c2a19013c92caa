"""The demo posts: their texts, and what is done with each. `infra/demo.py` makes them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from domain.post import Category
from domain.post_decisions import Archive, Edit, PostCommand, Publish, Schedule


class DemoPost(msgspec.Struct, frozen=True):
    """A demo post: its number, its author's, its text, and what is done with it."""

    number: int
    author: int
    title: str
    category: Category
    content: str
    steps: Sequence[PostCommand] = ()

    @property
    def id(self) -> UUID:
        """A UUIDv7 that is always the same."""
        return UUID(f"019b76da-a800-7000-8000-{self.number:012x}")


def demo_posts(now: datetime) -> tuple[DemoPost, ...]:
    """List the demo posts: every category and every status, and one that was renamed."""
    return (
        DemoPost(
            1,
            0,
            "Why we keep every change as an event",
            Category.TECH,
            "A row that is updated forgets what it was. An event is only ever added, so the "
            "question of who changed what, and when, always has an answer.\n\n"
            "The price is a second look at how reads are served: they come from tables that the "
            "events can make again at any time.",
            (Publish(),),
        ),
        DemoPost(
            2,
            0,
            "Reading an ETag without tears",
            Category.TECH,
            "An entity tag names one version of one representation. Send it back in If-None-Match "
            "and an unchanged post costs a 304; send it in If-Match and nobody's work is lost.",
            (Publish(), Edit(slug="etags-explained")),
        ),
        DemoPost(
            3,
            1,
            "What a quarter without lost updates is worth",
            Category.BUSINESS,
            "Two editors, one article, one lost paragraph: every newsroom knows the story. We "
            "counted the hours that conditional requests gave back.",
            (Publish(),),
        ),
        DemoPost(
            4,
            1,
            "Proving that a log was not altered",
            Category.SECURITY,
            "Permissions say who may change a table. They do not say that nobody did. A log that "
            "refuses updates, and whose bytes can be hashed, does.",
            (Publish(),),
        ),
        DemoPost(
            5,
            0,
            "Next week: time travel for editors",
            Category.TECH,
            "Any post as it stood at any moment: how it works, and what it is good for.",
            (Schedule(now + timedelta(days=7)),),
        ),
        DemoPost(
            6,
            0,
            "Draft: a checklist for rotating keys",
            Category.SECURITY,
            "1. Know which keys there are.\n2. Know who reads them.\n3. Change one at a time.",
        ),
        DemoPost(
            7,
            1,
            "Our plans for last year",
            Category.BUSINESS,
            "Kept for the record; most of it came true.",
            (Publish(), Archive()),
        ),
    )
