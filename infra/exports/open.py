"""Opens the place where exports are kept, as the settings say: beside the files."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from commands.exports import Exports, ExportStore
from commands.jobs import Jobs
from infra.exports.bucket import ExportBucket
from infra.exports.folder import ExportFolder
from infra.files.s3 import open_bucket
from infra.settings import Settings
from projections.jobs import JobQueries

_DAY_SECONDS = 24 * 60 * 60


def open_exports(jobs: Jobs, queries: JobQueries, settings: Settings) -> Exports:
    """Give what the commands on exports work with."""
    store = open_export_store(settings)
    return Exports(jobs, queries, store, settings.export_days * _DAY_SECONDS)


def open_export_store(settings: Settings) -> ExportStore:
    """Give the store at STORAGE_URL, or the folder `files/exports` in DATA_DIR."""
    url = settings.storage_url
    if url is None:
        return ExportFolder(settings.data_dir / "files" / "exports")
    if url.startswith("file:"):
        return ExportFolder(Path(unquote(urlsplit(url).path)) / "exports")
    return ExportBucket(open_bucket(url), settings.data_dir / "incoming")
