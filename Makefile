# Every target does its own set-up. Python 3.11 or newer is all that must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test timing faults hostile check bench format requirements clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## Serve the whole product on 127.0.0.1:8000, with its own databases
	@$(BIN)/ledgerpress dev

test: $(VENV)/.installed ## Run all tests against real servers
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

timing: $(VENV)/.installed ## Test that the time of an attempt to sign in tells nothing (minutes)
	@$(BIN)/pytest tests/timing

faults: $(VENV)/.installed ## Test a thousand exports by workers that are killed (minutes)
	@$(BIN)/pytest tests/long

hostile: $(VENV)/.installed ## Send twenty thousand hostile requests, and count the answers (minutes)
	@$(BIN)/pytest tests/hostile

check: $(VENV)/.installed ## Lint, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(VENV)/.installed ## Measure the log, the HTTP layer and signing in beside their baselines
	@$(BIN)/python -m tests.bench

format: $(VENV)/.installed ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

requirements: $(VENV)/.installed ## Pin the newest dependencies again, with hashes
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --upgrade pyproject.toml -o requirements/runtime.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --extra dev -c requirements/runtime.txt \
		pyproject.toml -o requirements/dev.txt

clean: ## Remove what the targets made, the development data included
	@if [ -f .ledgerpress/embedded/postgres-folder ]; then \
		rm -rf "$$(cat .ledgerpress/embedded/postgres-folder)"; fi
	@rm -rf $(VENV) .ledgerpress .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		f"Ledgerpress needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}. " \
		"Say which to use: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the requirements into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --no-index --editable .
	@touch $@
