"""Specifies tests that need programs: left out and named on a bare machine, never in CI."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.support.programs import ALL_WANTED, EXECUTABLES, needs

ROOT = Path(__file__).parents[2]
PYTEST = (sys.executable, "-m", "pytest", "-n", "2")
TESTS = """
import pytest
from tests.support import programs

programs.EXECUTABLES.update(here=("sh",), missing=("no-such-program",))

@pytest.fixture
def started():
    raise AssertionError("nothing is started that is not there")

@programs.needs("missing", "here")
def test_with_both(started): ...

@pytest.mark.parametrize("n", [1, 2])
@programs.needs("missing")
def test_with_missing(n, started): ...

@programs.needs("here")
def test_with_here(): ...
"""


def _pytest(folder: Path, **environment: str) -> tuple[int, str]:
    """Run the tests above as `make test` would."""
    (folder / "test_some.py").write_text(TESTS, encoding="utf-8")
    done = subprocess.run(
        [*PYTEST, "-p", "tests.support.programs", "test_some.py", "-rN"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_bare_machine(tmp_path: Path) -> None:
    """Tests without their program are skipped before their fixtures, and named at the end."""
    code, said = _pytest(tmp_path)

    assert code == 0, said
    assert "1 passed, 3 skipped" in said
    assert "Left out for want of missing: 3 tests, in test_some.py (3)" in said


def test_continuous_integration(tmp_path: Path) -> None:
    """Where all programs are wanted, a missing one fails every test that needs it."""
    code, said = _pytest(tmp_path, **{ALL_WANTED: "1"})

    assert code == 1, said
    assert "1 passed, 3 errors" in said
    assert f"missing: not installed, and {ALL_WANTED} is set" in said
    assert "Left out" not in said


def test_a_name_that_is_none() -> None:
    """A slip of the pen is not a program that is missing everywhere."""
    with pytest.raises(ValueError, match="nginks"):
        needs("nginks")


NONE: Mapping[str, str] = MappingProxyType({})
FAKES = {
    "apt-get": 'echo "apt-get $*" >>said',
    "make": f'echo "make $* ${ALL_WANTED}" >>said',
}


def _ci(
    folder: Path, programs: Mapping[str, str] = NONE, *, user: int = 0, apt: bool = True
) -> tuple[int, str, str]:
    """Run `.ci/run` where only these programs exist; give its code, its errors and what it ran.

    What installs and what tests is written down, not done.
    """
    for name in ("run", "programs"):
        target = folder / ".ci" / name
        target.parent.mkdir(exist_ok=True)
        text = (ROOT / ".ci" / name).read_text(encoding="utf-8")
        # Neither the machine's own servers nor its policy play a part.
        sbin = (":/usr/local/sbin:/usr/sbin:/sbin", "/usr/sbin/policy-rc.d")
        assert all(part in text for part in sbin) or name == "run"
        target.write_text(
            text.replace(sbin[0], f":{folder}/sbin").replace(sbin[1], f"{folder}/policy"),
            encoding="utf-8",
        )
        target.chmod(0o755)
    fakes = {**FAKES, "id": f"echo {user}", **programs}
    for name, line in fakes.items():
        if name == "apt-get" and not apt:
            continue
        place = folder / ("sbin" if name == "nginx" else "bin") / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        place.chmod(0o755)
    for name in ("bash", "sh", "env", "dirname", "chmod", "rm"):
        (folder / "bin" / name).symlink_to(shutil.which(name) or "")
    done = subprocess.run(
        [folder / "bin" / "bash", ".ci/run"],
        cwd=folder,
        env={"PATH": str(folder / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )
    said = folder / "said"
    return done.returncode, done.stderr, said.read_text(encoding="utf-8") if said.exists() else ""


def test_ci_installs_what_is_missing(tmp_path: Path) -> None:
    """On a bare machine all of them are installed, no server is started, and all tests run."""
    code, errors, ran = _ci(
        tmp_path, {"apt-get": f'echo "apt-get $*" >>said; [ -x {tmp_path}/policy ] || exit 1'}
    )

    assert (code, errors) == (0, "")
    assert ran.splitlines() == [
        "apt-get update",
        "apt-get install --yes --no-install-recommends nginx-light chromium ffmpeg nodejs npm",
        "make check ",
        "make test 1",
    ]
    assert not (tmp_path / "policy").exists()


def test_ci_leaves_alone_what_is_there(tmp_path: Path) -> None:
    """Only what is missing is installed; a browser counts under any of its names."""
    code, _, ran = _ci(tmp_path, {"nginx": "", "google-chrome": "", "node": ""})

    assert code == 0
    assert ran.splitlines()[1] == "apt-get install --yes --no-install-recommends ffmpeg npm"


def test_ci_installs_nothing_where_all_is_there(tmp_path: Path) -> None:
    """Nobody has to be root for that, nor have apt."""
    present = {names[0]: "" for names in EXECUTABLES.values()}
    code, _, ran = _ci(tmp_path, present, user=1000, apt=False)

    assert code == 0
    assert ran.splitlines() == ["make check ", "make test 1"]


@pytest.mark.parametrize("user", [0, 1000])
def test_ci_says_what_to_install(tmp_path: Path, user: int) -> None:
    """Without root or without apt it ends at once and names the packages."""
    code, errors, ran = _ci(tmp_path, {"nginx": ""}, user=user, apt=user != 0)

    assert (code, ran) == (1, "")
    assert "chromium ffmpeg" in errors
    assert ("apt-get update && apt-get install" in errors) == (user != 0)
