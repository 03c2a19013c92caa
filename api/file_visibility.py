"""Who gets to see a file: for its bytes, its metadata and its thumbnails alike.

A file shows itself where a post that shows it does. Its owner, auditors and admins see it anyway.
"""

from commands.files import FILE_NOT_FOUND
from commands.outcomes import Outcome
from domain import file_access
from domain.refusal import UnderLegalHold
from domain.stream import Actor
from projections.file_queries import FileHead


def hidden(actor: Actor | None, head: FileHead | None) -> Outcome | None:
    """Say why the file is not shown to this client, or nothing.

    What is missing, deleted or not for this client is told with the same words.
    """
    if head is None or head.deleted:
        return FILE_NOT_FOUND
    if head.shown or file_access.may_always_see(actor, owner_id=head.owner_id):
        return None
    return FILE_NOT_FOUND if head.held_by is None else UnderLegalHold(head.held_by)
