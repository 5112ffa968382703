# Guanjia: everything a newcomer needs is `make run` and `make test`; `make` alone explains the rest.
.DEFAULT_GOAL := help
.PHONY: help setup setup-test run test test-fast test-postgres check lint types imports format bench translations assets lock clean

PYTEST ?=
BIN := .venv/bin

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## system packages that are missing, .venv by lock file, translations (a second time: nothing to do)
	@scripts/setup.sh run

setup-test:
	@scripts/setup.sh test

run: setup ## start the product with its embedded database and demo data, and print the address
	@$(BIN)/python run.py up

test: setup-test ## the whole suite on SQLite and on PostgreSQL (PYTEST='-k name' to narrow)
	@scripts/test.sh both $(PYTEST)

test-fast: setup-test ## in about a minute: SQLite only, without the browser and the slow tests
	@scripts/test.sh fast $(PYTEST)

test-postgres: setup-test ## PostgreSQL only, on a throw-away server
	@scripts/test.sh postgres $(PYTEST)

check: setup-test ## all that CI checks: style, types, import contracts, translations, tests, clauses
	@$(MAKE) --no-print-directory --jobs 2 --output-sync types lint imports
	@$(BIN)/python run.py translations check
	@scripts/test.sh both
	@$(BIN)/python run.py clauses

lint: setup-test ## style and common mistakes
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup-test ## static types
	@$(BIN)/mypy

imports: setup-test ## the direction of imports between rooms
	@$(BIN)/lint-imports --no-logo

format: setup-test ## put code into the common format
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

bench: setup-test ## measure what the product promises about speed
	@$(BIN)/python -m bench

translations: setup ## collect the strings of the code into translations/ and compile them
	@$(BIN)/python run.py translations update

assets: setup-test ## rebuild app/static/vendor and app/static/fonts (needs the network)
	@scripts/assets.sh

lock: setup-test ## resolve the *.in files again into lock files with hashes
	@for list in requirements.in requirements-dev.in assets/node.in; do \
		CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe \
			--no-emit-index-url --no-emit-trusted-host --no-emit-find-links $$list || exit 1; done

clean: ## remove what was built or installed here; data in instance/ stays
	rm -rf .venv node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
	find translations -name '*.mo' -delete
