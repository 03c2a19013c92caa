"""`python -m infra.cli` is `ledgerpress`."""

from infra.cli.main import main

main()
