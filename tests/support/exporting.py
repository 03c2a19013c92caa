"""Persons with posts and files to export, and the reading of what was exported."""

import hashlib
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from commands.accounts import Registration, register
from commands.exports import Exports, request_export
from commands.handle import Caller
from commands.outcomes import Created
from commands.ports import Append, Appended, Metadata, NewEvent
from commands.posts import create_post
from domain import file
from domain.file import Uploaded
from domain.file_type import FileType
from domain.post import Category
from domain.post_decisions import Create
from domain.stream import Actor, Role
from infra.bootstrap import Product, open_product
from infra.exports.open import open_exports
from infra.files.open import open_blob_store
from infra.identity.passwords import CHEAP
from infra.keys import Keys
from infra.serve import export_sources
from infra.settings import Settings
from projections import files
from tests.support.accounts import AT
from tests.support.services import settings_in
from workers.exports import export_work
from workers.jobs import Work

KEYS = Keys(b"a" * 32, b"e" * 32, b"p" * 32)
"""The same in each process of a test."""


class Place:
    """The product on a database and a folder of its own."""

    def __init__(self, product: Product, settings: Settings) -> None:
        self.product = product
        self.settings = settings
        self.exports: Exports = open_exports(product.jobs, product.job_queries, settings)
        self.folder = settings.data_dir / "files" / "exports"

    @property
    def work(self) -> Work:
        """Give what makes exports here."""
        sources = export_sources(self.product, self.settings)
        return export_work(self.exports.store, self.product.job_queries, self.product.log, sources)

    async def person(self, name: str = "Ada <Lovelace>") -> UUID:
        """Register somebody."""
        account_id = uuid7()
        person = Registration(
            account_id, f"{account_id}@test.example", name, frozenset({Role.AUTHOR}), "no hash"
        )
        outcome = await register(self.product.accounts, caller(), person)
        assert isinstance(outcome, Created)
        return account_id

    async def post(self, author_id: UUID, title: str = "", content: str = "Text.") -> UUID:
        """Begin a post of somebody's."""
        post_id = uuid7()
        actor = Actor(author_id, frozenset({Role.AUTHOR}))
        outcome = await create_post(
            self.product.ledger,
            self.product.posts,
            self.product.file_queries,
            Caller(actor, AT, "Create"),
            Create(post_id, author_id, title or f"Post {post_id}", content, Category.TECH),
        )
        assert isinstance(outcome, Created)
        return post_id

    async def file(self, owner_id: UUID, data: bytes, name: str | None = None) -> UUID:
        """Have a file of somebody's, past all that judges uploads."""
        file_id, event_id = uuid7(), uuid7()
        incoming = await open_blob_store(self.settings).incoming(file_id)
        await incoming.write(data)
        received = await incoming.finish()
        await incoming.keep(received.digest)
        await incoming.abort()  # which closes it
        sealed = None
        if name is not None:
            key = await self.product.personal_data.key_of(owner_id)
            sealed = key.seal(event_id, "name", name)  # type: ignore[union-attr]  # nobody is erased here
        event = Uploaded(owner_id, received.digest, received.size, FileType.PDF, sealed, None, None)
        state = file.evolve(None, event, id=file_id, version=1, at=AT)
        appended = await self.product.store.append(
            Append(
                file.stream(file_id),
                0,
                [NewEvent(event_id, event)],
                Metadata("Upload"),
                AT,
                puts=[*files.shows(state)],
            )
        )
        assert isinstance(appended, Appended)
        return file_id

    async def request(self, owner_id: UUID) -> UUID:
        """Ask for an export."""
        job_id = await request_export(self.exports, caller(), uuid7(), owner_id)
        assert isinstance(job_id, UUID)
        return job_id

    async def archive(self, job_id: UUID) -> "Archive":
        """Open what a completed job has made."""
        row = await self.product.job_queries.by_id(job_id)
        assert row is not None
        assert row.result is not None
        path = self.folder / str(row.result["file"])
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row.result["sha256"]
        assert path.stat().st_size == row.result["size"]
        return Archive(path)

    def left(self) -> list[str]:
        """List the folder of exports."""
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []


class Archive:
    """An export as whoever downloaded it reads it."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            self.files = {name: archive.read(name) for name in archive.namelist()}
            assert len(archive.namelist()) == len(self.files)

    def json(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        """Read a file."""
        return json.loads(self.files[name])

    def verified(self) -> bool:
        """Compare everything with the manifest."""
        listed = {each["path"]: each for each in self.json("manifest.json")["files"]}
        return listed.keys() == self.files.keys() - {"manifest.json"} and all(
            each["size"] == len(self.files[path])
            and each["sha256"] == hashlib.sha256(self.files[path]).hexdigest()
            for path, each in listed.items()
        )


def caller() -> Caller:
    """Speak for the product itself."""
    return Caller(None, AT, "Test")


@asynccontextmanager
async def a_place(database_url: str, folder: Path, **variables: str) -> AsyncIterator[Place]:
    """Open the product on a migrated database and a folder."""
    async with open_product(database_url, KEYS, hashing=CHEAP) as product:
        yield Place(product, settings_in(folder, **variables))
