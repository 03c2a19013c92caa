"""The files' read model == fold(events): what commands wrote is what the log alone gives."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from commands.aggregate import Step
from commands.file_store import Busy, NoRoom
from commands.files import NewFile, record_previews, remove_file, upload_file
from commands.handle import Caller
from domain import file
from domain.file import Deleted, File, FileEvent, Previewed, Thumbnail, Uploaded, WhyDeleted
from domain.file_decisions import ShowPreviews
from domain.file_type import FileType
from domain.stream import Actor, Role
from infra.projections.compare import Comparison
from infra.projections.rebuild import Ordered, Unwatched, compare_with_log
from projections.files import FILE_BLOBS, FILES, FileView, fold
from projections.registry import PROJECTIONS
from projections.write import Put, key_of
from tests.support.given import ID, NOW, START
from tests.support.product import Api, running_api
from tests.support.services import Databases

OTHER = UUID(int=7)
DIGESTS = ("a" * 64, "b" * 64, "c" * 64)
THUMBNAILS = tuple(
    Thumbnail(width, width, digest, 10) for width, digest in ((640, DIGESTS[1]), (320, DIGESTS[2]))
)
EVENTS: list[FileEvent] = [
    Uploaded(ID, DIGESTS[0], 5, FileType.PNG, "sealed", 3, 2),
    Uploaded(OTHER, DIGESTS[1], 9, FileType.PDF, None, None, None),
    Previewed("hash", THUMBNAILS),
    Previewed("other", THUMBNAILS[:1]),
    Deleted(WhyDeleted.OWNER),
]
BEGINNINGS = st.sampled_from(EVENTS[:2])
Rows = dict[tuple[str, Any], Any]


def _after(rows: Rows, writes: Any) -> None:  # noqa: ANN401 - writes of any kind
    for write in writes:
        key = (write.table.name, key_of(write))
        if isinstance(write, Put):
            rows[key] = write.row
        else:
            rows.pop(key, None)


def _apply(rows: Rows, file_id: UUID, puts: list[Put]) -> None:
    """Do as `apply_files` and `apply_file_blobs` of migration 0008 do."""
    if any(put.table is FILES for put in puts):
        for key in [key for key in rows if key[0] == FILE_BLOBS.name and key[1][0] == file_id]:
            del rows[key]
    _after(rows, puts)


@given(
    BEGINNINGS,
    st.lists(st.sampled_from(EVENTS), max_size=8),
    st.lists(st.integers(0, 9), max_size=3),
)
@settings(derandomize=True, deadline=None)
def test_appends_leave_what_their_events_would(
    beginning: FileEvent, rest: list[FileEvent], cuts: list[int]
) -> None:
    """However a history is cut into appends, the rows are those of the fold, event by event."""
    steps: list[Step[File]] = []
    folded: Rows = {}
    for version, event in enumerate([beginning, *rest], start=1):
        at = START + timedelta(minutes=version)
        before = steps[-1].after if steps else None
        after = file.evolve(before, event, id=ID, version=version, at=at)
        steps.append(Step(before, event, after, at))
        _after(folded, fold(before, event, after))
    appended: Rows = {}
    ends = sorted({0, len(steps), *(cut for cut in cuts if cut < len(steps))})
    for start, end in pairwise(ends):
        of_append = steps[start:end]
        _apply(appended, ID, FileView().render(of_append[-1].after, of_append).puts)

    assert appended == folded
    assert FileView().render(steps[-1].after, []).puts == []


@pytest.fixture(scope="module")
async def running(databases: Databases) -> AsyncIterator[tuple[Api, str]]:
    """Serve the product once for all examples."""
    async with databases.fresh() as url, running_api(url) as api:
        yield api, url


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["upload", "previews", "delete"]), st.integers(0, 4)), max_size=12
)


async def _upload(api: Api, content: int) -> UUID:
    owner_id, services = api.author.account_id, api.services
    caller = Caller(Actor(owner_id, frozenset({Role.AUTHOR})), NOW, "UploadFile")
    async with services.uploads.begin(owner_id) as upload:
        assert not isinstance(upload, NoRoom | Busy)
        await upload.write(b"%d" % content)
        received = await upload.finish()
        assert await upload.keep() is None
        new = NewFile(services.new_id(), received, FileType.PNG, "name", 3, 2)
        await upload_file(services.files, caller, upload, new)
    return new.file_id


@given(ACTIONS)
@settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_what_commands_write_is_what_the_log_gives(
    running: tuple[Api, str], actions: list[tuple[str, int]]
) -> None:
    """After uploads, previews and deletions a rebuild finds not one row that differs."""
    api, url = running
    files = api.services.files
    caller = Caller(None, NOW, "Test")
    ids = [await _upload(api, 0)]
    for action, which in actions:
        match action:
            case "upload":
                ids.append(await _upload(api, which))
            case "previews":
                command = ShowPreviews("hash", THUMBNAILS)
                await record_previews(files, caller, ids[-1 - which % len(ids)], command, [])
            case _:
                await remove_file(files, caller, ids[-1 - which % len(ids)], WhyDeleted.UNUSED)
    order = Ordered(url, PROJECTIONS["files"], Unwatched(), api.clock.now, processes=1)
    found = await compare_with_log(order)

    assert isinstance(found, Comparison)
    assert found.rows >= len(ids)
    assert found.differing == 0, found
