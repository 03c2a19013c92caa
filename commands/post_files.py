"""The facts about files on which commands on posts rest: which of them may be shown.

Only files that a post does not show yet are looked up, so that nothing is asked for a command that
names none. What was seen of them must still hold when the command is appended: a file that is
deleted meanwhile ends on no live post.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from msgspec.structs import replace

from commands.handle import Resting
from domain import file, post_files
from domain.file_type import FileType
from domain.post import NO_FILES, Post
from domain.post_decisions import Create, Edit, PostCommand, Restore, Revert
from domain.post_files import Usable
from domain.stream import Actor


class FileHead(Protocol):
    """What the read model says of a file."""

    @property
    def version(self) -> int:
        """The version of its stream."""
        ...

    @property
    def owner_id(self) -> UUID:
        """Whose it is."""
        ...

    @property
    def mime(self) -> str:
        """Its media type."""
        ...

    @property
    def deleted(self) -> bool:
        """Whether it is gone."""
        ...


class FileHeads(Protocol):
    """Looks files up."""

    async def heads(self, file_ids: Sequence[UUID], /) -> Mapping[UUID, FileHead]:
        """Find files, also deleted ones, by their ids."""
        ...


async def with_usable(
    heads: FileHeads, state: Post | None, command: PostCommand, actor: Actor | None
) -> PostCommand | Resting[PostCommand]:
    """Tell a command which of the files that it would have the post show can be shown.

    New ones must belong to the post's author or to whoever asks; those that it showed before need
    only be there still.
    """
    match command:
        case Create():
            before, wanted = NO_FILES, command.files
            shown, author_id = NO_FILES.ids, command.author_id
        case Edit() if state is not None:
            before = state.files
            wanted = post_files.merged(before, command.cover_image, command.attachments)
            shown, author_id = before.ids, state.author_id
        case Restore() if state is not None and state.deleted:
            before, wanted = NO_FILES, state.files
            shown, author_id = wanted.ids, state.author_id
        case Revert() if state is not None and command.snapshot is not None:
            before, wanted = state.files, command.snapshot.files
            shown, author_id = wanted.ids, state.author_id
        case _:
            return command
    ids = sorted(post_files.unknown(before, wanted))
    if not ids:
        return command
    found = await heads.heads(ids)
    owners = {author_id, actor.account_id if actor else author_id}
    usable = {
        file_id: head
        for file_id, head in found.items()
        if not head.deleted and (file_id in shown or head.owner_id in owners)
    }
    images = {file_id for file_id, head in usable.items() if FileType(head.mime).is_image}
    return Resting(
        replace(command, usable=Usable(frozenset(usable), frozenset(images))),
        tuple((file.stream(file_id), head.version) for file_id, head in usable.items()),
    )
