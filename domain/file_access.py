"""Who may do what with files. Whether a post shows a file to others is in the read model."""

from uuid import UUID

from domain.stream import Actor, Role


def may_always_see(actor: Actor | None, *, owner_id: UUID) -> bool:
    """Tell whether a file that is not deleted shows itself whatever posts have it."""
    return actor is not None and (
        actor.account_id == owner_id or actor.has(Role.ADMIN, Role.AUDITOR)
    )


def may_upload(actor: Actor) -> bool:
    """Tell whether the actor may upload files: authors."""
    return actor.has(Role.AUTHOR)


def may_delete(actor: Actor, *, owner_id: UUID) -> bool:
    """Tell whether the actor may delete the file: its owner while an author, or an admin."""
    return actor.has(Role.ADMIN) or (actor.account_id == owner_id and actor.has(Role.AUTHOR))
