# Every verb is one line of help: `make` prints them. All but `setup` need nothing done by hand before.

# `override`: setup and clean delete this folder, so no variable from outside may name another one.
override VENV := .venv
override PYTHON := $(VENV)/bin/python
# Which interpreter makes the environment: the first of these that is Python 3.11 or newer, or the one you name.
PYTHON3 ?= python3 python3.13 python3.12 python3.11
# The code runs in place: the root and generated/ are on the path, and nothing of ours is ever installed.
export PYTHONPATH := $(CURDIR):$(CURDIR)/generated
PYTEST := $(PYTHON) -m pytest
# Whole files to two processes, the rings of small files last.
TOGETHER := -n 2 --dist loadfile --no-loadscope-reorder
LOCK := $(PYTHON) -m uv pip compile pyproject.toml --extra embedded --extra tracing --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --quiet $(UPGRADE)

.PHONY: help setup run demo migrate test test-unit test-contract test-integration test-e2e test-faults \
	test-architecture lint format types imports generate lock stubs image bench bench-large sagas soak clean

help: ## Print the verbs
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 20

setup: $(VENV)/.locked ## Make .venv from the locks, and nothing else (again when they change)

$(VENV)/.locked: requirements-dev.txt
	@for python in $(PYTHON3) none; do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	done; \
	if [ $$python = none ]; then echo 'acerto: needs Python 3.11 or newer; name it: make setup PYTHON3=/path/to/python' >&2; exit 1; fi; \
	set -e; rm -rf $(VENV); \
	if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --no-project --python "$$($$python -c 'import sys; print(sys.executable)')" $(VENV); \
		uv pip sync --quiet --require-hashes --python $(PYTHON) requirements-dev.txt; \
	else \
		$$python -m venv $(VENV); \
		$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt; \
	fi
	@touch $@

run: setup ## Start everything on this machine with one sample work order; Ctrl-C stops it
	@$(PYTHON) -m server all --with-sample

demo: setup ## Once, in a temporary folder: a workshop's saga undone, a refusal, a clinic's day, with every event
	@$(PYTHON) -m server demo

migrate: setup ## Bring the database of ACERTO_DATABASE_URL to this version's schema
	@$(PYTHON) -m server migrate

test: lint types ## Everything that must hold before a change lands
	$(PYTEST) $(TOGETHER)

test-unit: setup ## Nouns, rules and use cases, on fakes (seconds)
	$(PYTEST) tests/unit

test-contract: setup ## Each port's adapters through one suite; event bytes; routes
	$(PYTEST) tests/contract

test-integration: setup ## Repositories, relay, consumer and pipeline on real services
	$(PYTEST) tests/integration

test-e2e: setup ## Whole journeys through the public doors
	$(PYTEST) tests/e2e

test-faults: setup ## kill -9, cut connections, restarts: nothing lost, nothing twice
	$(PYTEST) tests/faults

soak: setup ## Seeded chaos for MINUTES (30): roles and lines killed at random; the books must balance
	$(PYTHON) -m tests.faults.chaos --minutes $(or $(MINUTES),30)

sagas: setup ## The saga machine for MINUTES (30): everything that can happen, in any order; every invariant holds
	$(PYTHON) -m tests.faults.sagas --minutes $(or $(MINUTES),30)

test-architecture: setup ## Imports, sizes, names, contracts, deployment files
	$(PYTEST) tests/architecture

lint: setup ## ruff, and buf over the contracts
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m protos.check

format: setup ## Rewrite code and contracts in the house's format
	$(PYTHON) -m ruff check --fix --quiet . || true
	$(PYTHON) -m ruff format .
	$(VENV)/bin/buf format --write protos

types: setup ## mypy --strict, over tests too
	$(PYTHON) -m mypy

imports: setup ## Who may import whom
	$(VENV)/bin/lint-imports

generate: setup ## Write generated/ and the OpenAPI document from protos/
	$(PYTHON) -m protos.generate

lock: setup ## Write the locks from pyproject.toml (UPGRADE=--upgrade takes newer versions)
	$(LOCK) --output-file requirements.txt
	$(LOCK) --group dev --constraint requirements.txt --output-file requirements-dev.txt

stubs: setup ## Build the client other services install: build/acerto_stubs-*.whl
	$(PYTHON) -m protos.stubs.build build

image: ## Build the container image acerto:dev
	docker build --tag acerto:dev .

bench: setup ## One table of ratios, each pair measured in the same run; writes docs/benchmarks.md
	@$(PYTHON) -m tests.bench

bench-large: setup ## As bench, with ten million archived events
	@$(PYTHON) -m tests.bench --large

clean: ## Remove what the verbs made: the environment, caches and builds (never data)
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
