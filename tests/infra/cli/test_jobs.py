"""`ledgerpress jobs` and `exports`, started as an operator starts them."""

import asyncio
import io
import json
import os
import subprocess
import zipfile
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.handle import Caller
from commands.jobs import change_job
from commands.mail import Mail, TakenMail
from commands.outcomes import Created
from commands.posts import create_post
from domain.job import JobStatus
from domain.job_decisions import FailAttempt, Start
from domain.post import Category
from domain.post_decisions import Create
from domain.stream import Actor, Role
from infra.exports.verifying import MANIFEST, verify_export
from tests.support.accounts import AT
from tests.support.commands import forked
from tests.support.exporting import Place, a_place, caller
from tests.workers.test_jobs import row, stands, working
from workers.mailer import LEASE

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def place(database_url: str, tmp_path: Path) -> AsyncIterator[Place]:
    """Open the product on an empty log and an empty folder."""
    async with a_place(database_url, tmp_path) as place:
        yield place


async def ledgerpress(place: Place, url: str, *arguments: str) -> tuple[int, str, str]:
    """Run a command; give its exit code and what it said."""
    ours = {
        "LEDGERPRESS_DATABASE_URL": url,
        "LEDGERPRESS_DATA_DIR": str(place.settings.data_dir),
    }
    kept = {name: value for name, value in os.environ.items() if "LEDGERPRESS" not in name}
    done = await asyncio.to_thread(
        subprocess.run,
        [*forked(), *arguments],
        cwd=ROOT,
        env=kept | ours,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


async def test_a_failed_export_is_tried_again(database_url: str, place: Place) -> None:
    """An operator sees it, queues it, and it is made."""
    job_id = await place.request(await place.person())
    await change_job(place.product.jobs, caller(), job_id, Start())
    await change_job(place.product.jobs, caller(), job_id, FailAttempt("storage_full", again=False))
    shown = await ledgerpress(place, database_url, "exports", "list", "--status", "failed")
    retried = await ledgerpress(place, database_url, "exports", "retry", str(job_id))
    listed = await ledgerpress(place, database_url, "jobs", "list", "--json")
    async with working(place.product, {"export": place.work}):
        assert await stands(place.product, job_id, JobStatus.COMPLETED)

    assert shown[0] == retried[0] == listed[0] == 0
    assert "storage_full" in shown[1]
    assert json.loads(listed[1])["status"] == "queued"
    again = await ledgerpress(place, database_url, "exports", "retry", str(job_id))
    assert (again[0], again[1]) == (1, "")


async def test_a_job_is_cancelled(database_url: str, place: Place) -> None:
    """And one that does not exist is a failure."""
    job_id = await place.request(await place.person())
    done = await ledgerpress(place, database_url, "jobs", "cancel", str(job_id))
    unknown = await ledgerpress(
        place, database_url, "jobs", "cancel", "01920000-0000-7000-8000-000000000000"
    )

    assert done[0] == 0
    assert (await row(place.product, job_id)).status is JobStatus.CANCELLED
    assert unknown[0] == 1
    assert "no such job" in unknown[2]


async def test_what_waits_is_in_one_list(database_url: str, place: Place) -> None:
    """Jobs, mails and scheduled posts; a mail that was put off can be tried at once."""
    product = place.product
    owner = await place.person()
    await place.request(owner)
    actor = Actor(owner, frozenset({Role.AUTHOR}))
    wanted = Create(
        product.ledger.new_id(),
        owner,
        "Later",
        "Text.",
        Category.TECH,
        publish_at=AT + timedelta(days=1),
    )
    made = await create_post(
        product.ledger, product.posts, product.file_queries, Caller(actor, AT, "Create"), wanted
    )
    for _ in range(2):
        await product.mails.put(Mail("ada@test.example", "Subject", "Text."), "hash")
    [put_off] = await product.mails.take(1, LEASE)
    assert isinstance(put_off, TakenMail)
    await product.mails.postpone(put_off, timedelta(hours=1))
    listed = await ledgerpress(place, database_url, "jobs", "waiting", "--json")
    hurried = await ledgerpress(place, database_url, "jobs", "send-mails")
    shown = await ledgerpress(place, database_url, "jobs", "waiting")
    due = await product.mails.take(9, LEASE)

    assert isinstance(made, Created)
    found = [json.loads(line) for line in listed[1].splitlines()]
    assert [(each["kind"], each["waiting"], each["tried"]) for each in found] == [
        ("export", 1, 0),
        ("mail", 2, 1),
        ("scheduled post", 1, 0),
    ]
    assert [each["due"] for each in found] == [1, 1, AT + timedelta(days=1) < datetime.now(UTC)]
    assert (hurried[0], hurried[1]) == (0, "mails that are tried at once: 1\n")
    assert shown[0] == 0
    assert "scheduled post" in shown[1]
    assert len(due) == 2


@pytest.fixture
async def export(place: Place) -> Path:
    """Give a downloaded export."""
    owner = await place.person()
    await place.post(owner)
    await place.file(owner, b"data" * 1000)
    job_id = await place.request(owner)
    async with working(place.product, {"export": place.work}):
        assert await stands(place.product, job_id, JobStatus.COMPLETED)
    [name] = place.left()
    return place.folder / name


async def test_a_good_export_verifies(database_url: str, place: Place, export: Path) -> None:
    """Exit 0, and 3 once a byte of it is another."""
    good = await ledgerpress(place, database_url, "exports", "verify", str(export))
    rewritten(export, lambda name, data: data[:-1] + b"!" if name == "account.json" else data)
    bad = await ledgerpress(place, database_url, "exports", "verify", str(export), "--json")

    assert good[0] == 0, good
    assert bad[0] == 3
    [mismatch] = json.loads(bad[1])["mismatches"]
    assert mismatch["path"] == "account.json"


def rewritten(export: Path, alter: Callable[[str, bytes], bytes | None]) -> None:
    """Write an export anew with other contents; None leaves a file out."""
    with zipfile.ZipFile(export) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(export, "w") as archive:
        for name, data in files.items():
            altered = alter(name, data)
            if altered is not None:
                archive.writestr(name, altered)


@pytest.mark.parametrize(
    ("alter", "says"),
    [
        (lambda name, data: None if name == "index.html" else data, "is missing"),
        (lambda name, data: None if name == MANIFEST else data, "is missing"),
        (lambda name, data: b"{" if name == MANIFEST else data, "cannot be read"),
        (lambda name, data: data + b"x" if name == "index.html" else data, "has more bytes"),
        (lambda name, data: data[:-1] if name == "index.html" else data, "instead of"),
    ],
)
async def test_what_was_altered_is_named(
    export: Path, alter: Callable[[str, bytes], bytes | None], says: str
) -> None:
    """Whatever it is, and nothing else."""
    rewritten(export, alter)
    [mismatch] = verify_export(export).mismatches

    assert says in mismatch.says


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", "a/../../evil", "a\\evil", "C:evil", "a\nb", "folder/"]
)
def test_a_name_that_leads_astray_is_refused(tmp_path: Path, name: str) -> None:
    """Though nothing is unpacked here, whoever does it next might."""
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"")
    [mismatch] = verify_export(path).mismatches

    assert "plain" in mismatch.says


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    """Also one that ends in the middle."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a", b"x" * 1000)
    for data in (b"", b"text", whole.getvalue()[:500]):
        (tmp_path / "file").write_bytes(data)
        [mismatch] = verify_export(tmp_path / "file").mismatches

        assert "no ZIP" in mismatch.says
