"""Checks an export that was downloaded against the manifest in it. Nothing is ever unpacked.

The file is a stranger's: names, sizes and the manifest may be made to do harm, so no more is read
than the manifest says there is.
"""

import hashlib
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from commands.exports import Listed

FORMAT = "ledgerpress-export/1"
MANIFEST = "manifest.json"
_MOST_MANIFEST_BYTES = 512 * 1024 * 1024
_PIECE_BYTES = 256 * 1024
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError)


class Mismatch(msgspec.Struct, frozen=True):
    """Something that is not as the manifest says, or as an export is."""

    path: str
    says: str


class Verified(msgspec.Struct, frozen=True, rename="camel"):
    """What a check found."""

    files: int
    size: int
    """In bytes, uncompressed."""
    position: int | None
    mismatches: list[Mismatch]


class _Manifest(msgspec.Struct, frozen=True, rename="camel"):
    format: str
    position: int
    files: list[Listed]


def verify_export(path: Path) -> Verified:
    """Check a file. Raises `OSError` where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _verify(archive)
    except _BROKEN as error:
        return Verified(0, 0, None, [Mismatch(path.name, f"is no ZIP that can be read: {error}")])


def _verify(archive: zipfile.ZipFile) -> Verified:
    mismatches = list(_unsafe(archive))
    if mismatches:
        return Verified(0, 0, None, mismatches)
    manifest = _manifest(archive)
    if isinstance(manifest, Mismatch):
        return Verified(0, 0, None, [manifest])
    there = {info.filename: info for info in archive.infolist() if info.filename != MANIFEST}
    size = 0
    seen: set[str] = set()
    for listed in manifest.files:
        info = there.get(listed.path)
        if listed.path in seen:
            mismatches.append(Mismatch(listed.path, "is named twice in the manifest"))
        elif info is None:
            mismatches.append(Mismatch(listed.path, "is missing"))
        else:
            mismatches += _compared(archive, info, listed)
            size += listed.size
        seen.add(listed.path)
    mismatches += [Mismatch(name, "is not in the manifest") for name in sorted(there.keys() - seen)]
    return Verified(len(manifest.files), size, manifest.position, mismatches)


def _unsafe(archive: zipfile.ZipFile) -> Iterator[Mismatch]:
    """Find names that could lead a program astray which unpacks it."""
    seen: set[str] = set()
    for info in archive.infolist():
        name = info.filename
        parts = PurePosixPath(name).parts
        plain = name.isprintable() and "\\" not in name and ":" not in name and parts
        if not plain or name.startswith("/") or ".." in parts or name.endswith("/"):
            yield Mismatch(repr(name), "is not a plain relative path")
        elif info.orig_filename != name or stat.S_ISLNK(info.external_attr >> 16):
            yield Mismatch(repr(name), "is not a plain file")
        elif name.casefold() in seen:
            yield Mismatch(repr(name), "is there twice")
        seen.add(name.casefold())


def _manifest(archive: zipfile.ZipFile) -> _Manifest | Mismatch:
    try:
        info = archive.getinfo(MANIFEST)
    except KeyError:
        return Mismatch(MANIFEST, "is missing")
    if info.file_size > _MOST_MANIFEST_BYTES:
        return Mismatch(MANIFEST, "is too large")
    try:
        with archive.open(info) as file:
            manifest = msgspec.json.decode(file.read(_MOST_MANIFEST_BYTES), type=_Manifest)
    except (msgspec.MsgspecError, *_BROKEN) as error:
        return Mismatch(MANIFEST, f"cannot be read: {error}")
    if manifest.format != FORMAT:
        return Mismatch(MANIFEST, f"is of another format: {manifest.format[:50]!r}")
    return manifest


def _compared(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, listed: Listed
) -> Iterator[Mismatch]:
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(info) as file:
            # One byte more than there should be tells that there are more.
            while piece := file.read(min(_PIECE_BYTES, listed.size + 1 - size)):
                digest.update(piece)
                size += len(piece)
                if size > listed.size:
                    break
    except _BROKEN as error:
        yield Mismatch(listed.path, f"cannot be read: {error}")
        return
    if size != listed.size:
        more = "more" if size > listed.size else str(size)
        yield Mismatch(listed.path, f"has {more} bytes instead of {listed.size}")
    elif digest.hexdigest() != listed.sha256:
        yield Mismatch(listed.path, "has other content than the manifest says")
