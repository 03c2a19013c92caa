"""Ten thousand hostile requests: `make hostile` sends them all, `make test` a bounded part."""
