# Everything here sets up .venv by itself: only Python 3.11 or newer, make and git are needed.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test serve check eval prove monthends lock clean .venv

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
# Warnings of a machine's own pip set-up are not ours to show; errors are.
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet --no-input
# Two environments in one: what runs Dunwell, and on top of it what tests and checks it.
RUN := .venv/.installed-run
DEV := .venv/.installed-dev

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: $(RUN) ## show the whole job on a sample ledger
	@$(BIN)/dunwell demo

serve: $(RUN) ## run the database and the HTTP API until Ctrl-C
	@$(BIN)/dunwell serve

test: $(DEV) ## run the tests on a real Postgres, without a network
	@infra/test.sh

check: $(DEV) ## lint, formatting, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

EVAL ?=
eval: $(RUN) ## play the eval suites (EVAL="--fast": within a minute; see `dunwell eval --help`)
	@$(BIN)/dunwell eval $(EVAL)

prove: $(DEV) ## run the randomised proofs at full size (their table: infra/measured), and the container's steps
	@DUNWELL_PROVE=1 infra/test.sh -m proof
	@DUNWELL_PROVE=1 $(BIN)/python -m pytest -m container tests/infra

IBM ?= ../shared/data/ibm_ar
monthends: $(DEV) ## seventeen month-end cycles on real invoices; their table goes to infra/measured
	@$(BIN)/python -m evals.ibm_ar.month_ends $(IBM) --out infra/measured/ibm_month_ends.md

lock: $(DEV) ## resolve the dependencies again (UPGRADE=1: to their newest versions)
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile $(LOCK_FLAGS) --output-file=requirements.lock pyproject.toml
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile $(LOCK_FLAGS) --extra=dev \
		--constraint=requirements.lock --output-file=requirements-dev.lock pyproject.toml
LOCK_FLAGS = --quiet --generate-hashes --strip-extras --allow-unsafe --all-build-deps \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host $(if $(UPGRADE),--upgrade)

clean: ## remove the virtual environment and every cache
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv: $(DEV)

$(BIN)/python:
	@$(if $(PYTHON),,echo "Dunwell needs Python 3.11 or newer, and none was found; set PYTHON=/path/to/python." >&2; exit 1)
	@echo "Setting up .venv with $(PYTHON) (once) ..." >&2
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "Python's venv module is missing; on Debian and Ubuntu install python3-venv." >&2; exit 1; }

$(RUN): requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what requirements.lock names ..." >&2
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "Installing what requirements-dev.lock names ..." >&2
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-build-isolation --no-deps -e .
	@touch $(RUN) $@
