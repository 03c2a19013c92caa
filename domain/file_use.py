"""The claims by which live posts hold the files that they show.

Every live post holds a claim in the scope of each of its files, under its own id, so that any
number of posts may show one file. A file can be deleted only while nobody holds any claim in its
scope: `Append.vacant` in `commands/ports.py` has the append itself check it.
"""

from uuid import UUID

from domain.claim import Claim


def scope(file_id: UUID) -> str:
    """Name the scope in which whoever uses the file holds a claim."""
    return f"file.use/{file_id}"


def claim(file_id: UUID, post_id: UUID) -> Claim:
    """Give the claim of a post on a file."""
    return Claim(scope(file_id), str(post_id))
