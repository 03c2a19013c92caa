"""A Python client is generated from the served document, type-checked, and used.

As `docs/clients.md` tells it.
"""

import shutil
import sys
from pathlib import Path

import pytest

from tests.clients.running import run
from tests.support.product import PASSWORD, Api

PYTHON = Path(__file__).parent / "python"
CONFIG = Path(__file__).parents[2] / "docs" / "clients" / "openapi-python-client.yaml"


@pytest.mark.timeout(300)
async def test_a_python_client(api: Api, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """It is generated without a warning, its types hold, and all steps of the smoke test pass."""
    said = await run(
        *("openapi-python-client", "generate", "--url", f"{api.address}/openapi.json"),
        *("--meta", "none", "--output-path", tmp_path / "ledgerpress_client"),
        *("--config", CONFIG, "--fail-on-warning"),
        cwd=tmp_path,
    )
    shutil.copy(PYTHON / "smoke.py", tmp_path)
    cache = pytestconfig.rootpath / ".mypy_cache" / "clients"
    checked = await run(
        *(sys.executable, "-m", "mypy", "--config-file", PYTHON / "mypy.ini"),
        *("--cache-dir", cache, "ledgerpress_client", "smoke.py"),
        cwd=tmp_path,
    )
    await run(
        sys.executable, "smoke.py", api.address, "author@test.example", PASSWORD, cwd=tmp_path
    )

    assert "warning" not in said.lower()
    assert checked.startswith("Success: no issues found")
    assert (tmp_path / "ledgerpress_client" / "models" / "problem.py").exists()
