"""TypeScript types are generated from the served document, compiled with a user of them, and used.

As `docs/clients.md` tells it. What is needed comes through npm: by the hashes in the lock file, and
once for each lock file. Where no registry can be reached the test is left out, but never in CI.
"""

import json
import os
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.clients.running import ProgramFailedError, run
from tests.support.product import PASSWORD, Api
from tests.support.programs import ALL_WANTED, needs, path_of

TYPESCRIPT = Path(__file__).parent / "typescript"
LOCK = TYPESCRIPT / "package-lock.json"
_FAULTS_OF_OURS = ("EINTEGRITY", "EUSAGE", "EJSONPARSE")
"""What npm says where the files here are wrong, and not its way to the registry."""
_OF_NPM = ("package.json", "package-lock.json", ".npmrc")


async def installed(cache: Path) -> Path:
    """Give the folder with the packages of the lock file, installed if this one was not yet."""
    folder = cache / sha256(LOCK.read_bytes()).hexdigest()[:16]
    done = folder / "node_modules" / ".done"
    if done.exists():
        return folder / "node_modules"
    folder.mkdir(parents=True, exist_ok=True)
    for name in _OF_NPM:
        shutil.copy(TYPESCRIPT / name, folder)
    try:
        await run(
            *(path_of("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"),
            *("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=20000"),
            cwd=folder,
        )
    except ProgramFailedError as error:
        why = (
            "npm could not install what tests/clients/typescript/package-lock.json names. It needs "
            f"a registry that it can reach. It says:\n{error}"
        )
        if os.environ.get(ALL_WANTED) == "1" or any(fault in why for fault in _FAULTS_OF_OURS):
            pytest.fail(why, pytrace=False)
        pytest.skip(why)
    done.touch()
    return folder / "node_modules"


@needs("node", "npm")
@pytest.mark.timeout(300)
async def test_a_typescript_client(api: Api, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """The types compile strictly with what uses them, and all steps of the smoke test pass."""
    packages = await installed(pytestconfig.rootpath / ".pytest_cache" / "npm")
    (tmp_path / "node_modules").symlink_to(packages, target_is_directory=True)
    for name in ("package.json", "tsconfig.json", "smoke.ts"):
        shutil.copy(TYPESCRIPT / name, tmp_path)
    node = path_of("node")
    generate = packages / "openapi-typescript" / "bin" / "cli.js"
    compile_ = packages / "typescript" / "bin" / "tsc"
    await run(
        *(node, generate, f"{api.address}/openapi.json", "--output", "ledgerpress.ts"),
        "--default-non-nullable=false",
        cwd=tmp_path,
    )
    await run(node, compile_, "--project", ".", cwd=tmp_path)
    await run(*(node, "built/smoke.js", api.address, "author@test.example", PASSWORD), cwd=tmp_path)

    assert "export interface paths" in (tmp_path / "ledgerpress.ts").read_text()


def _strings(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        yield from part
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _strings(each)
    elif isinstance(part, str):
        yield part


def test_the_lock_file_has_hashes_and_no_addresses() -> None:
    """Each package is pinned by its SHA-512; where it lies is for whoever installs it to say."""
    lock: dict[str, Any] = json.loads(LOCK.read_text())
    packages = [each for path, each in lock["packages"].items() if path]

    assert all(each["integrity"].startswith("sha512-") for each in packages)
    assert not any("resolved" in each for each in packages)
    assert not any("://" in text for text in _strings(lock))
