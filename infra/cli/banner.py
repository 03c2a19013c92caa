"""What `ledgerpress dev` says once it serves."""

from infra.demo import ACCOUNTS
from infra.dev import Ready


def banner(ready: Ready) -> str:
    """Tell where everything is, and how to go on."""
    password = ready.password
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
            "  Token      ledgerpress users token author@demo.example",
            "  The log    ledgerpress events tail",
            f"  Data       {ready.data_dir.absolute()}",
            "",
            "Ctrl-C stops everything.",
        )
    )
