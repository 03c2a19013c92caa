"""Who may see a post and who may change it.

A reader who may not see a post is told that there is none, so `may_see` comes before `may_change`.
"""

from uuid import UUID

from domain.post import Status
from domain.stream import Actor, Role


def may_see(actor: Actor | None, *, author_id: UUID, status: str) -> bool:
    """Tell whether a post that is not deleted shows itself: published ones to anyone."""
    return status == Status.PUBLISHED or may_see_history(actor, author_id=author_id)


def may_see_history(actor: Actor | None, *, author_id: UUID) -> bool:
    """Tell whether drafts and versions show: to the author, auditors and admins."""
    return actor is not None and (
        actor.account_id == author_id or actor.has(Role.ADMIN, Role.AUDITOR)
    )


def may_pass_hold(actor: Actor | None) -> bool:
    """Tell whether a post under a legal hold can be read all the same."""
    return actor is not None and actor.has(Role.ADMIN, Role.AUDITOR)


def may_change(actor: Actor, *, author_id: UUID) -> bool:
    """Tell whether the actor may change the post: its author while an author, or an admin."""
    return actor.has(Role.ADMIN) or (actor.account_id == author_id and actor.has(Role.AUTHOR))


def may_hold(actor: Actor) -> bool:
    """Tell whether the actor may place and lift legal holds."""
    return actor.has(Role.ADMIN)
