"""What `ledgerpress dev` says once it serves."""

import os
import shutil
import sys
from pathlib import Path

from infra.demo import ACCOUNTS
from infra.dev import Ready


def banner(ready: Ready) -> str:
    """Tell where everything is, and how to go on."""
    password, program = ready.password, _program()
    shown = f"{password.text} (shown once; kept in {password.origin})"
    accounts = ", ".join(account.email for account in ACCOUNTS)
    return "\n".join(
        (
            "",
            f"Ledgerpress serves at {ready.address}",
            "",
            f"  API pages  {ready.address}/docs",
            f"  Posts      curl {ready.address}/posts",
            f"  Accounts   {accounts}",
            f"  Password   {shown if password.new else f'in {password.origin}'}",
            f"  Token      {program} users token author@demo.example",
            f"  The log    {program} events tail",
            f"  Data       {ready.data_dir.absolute()}",
            "",
            "Ctrl-C stops everything.",
        )
    )


def _program() -> str:
    """Spell this program so that it can be typed: by its name where that finds it."""
    here = Path(sys.argv[0])
    found = shutil.which(here.name)
    if here.name != "ledgerpress" or (found is not None and here.samefile(found)):
        return "ledgerpress"
    return os.path.relpath(here)
