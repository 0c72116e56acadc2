# Orderlink's commands for people who work on it. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/ready
PINS := requirements/dev.txt
CODE := shared services tests docs/examples deploy/image

IS_SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))

# The first supported Python on the path; `make PYTHON=/path/to/python3.12 setup` chooses another.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	if "$$name" -c '$(IS_SUPPORTED)' 2>/dev/null; then \
	echo "$$name"; break; fi; done)

.PHONY: help setup check test test-real sizes chaos scale-out overload soak bench storms storm demo up images compose cluster simulate schemas format clean

help: ## List these commands
	@echo "Orderlink. Every command sets up what it needs in $(VENV) first."
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | \
	while IFS='|' read -r name text; do printf '%-18s %s\n' "$$name" "$$text"; done

setup: $(STAMP) ## Install everything into .venv

$(STAMP): $(PINS) pyproject.toml
	@if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c '$(IS_SUPPORTED)'; then \
	  echo "Orderlink needs Python 3.11, 3.12 or 3.13, and found $(or $(PYTHON),none)." >&2; \
	  echo "Install one (Debian, Ubuntu: python3.11 and python3.11-venv), or name it: make PYTHON=/path/to/python3.11" >&2; \
	  exit 1; fi
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv module. Debian and Ubuntu keep it in the package python3-venv." >&2; exit 1; }
	@# One that an older Python made, or that was left half made, is made anew.
	@"$(BIN)/python" -c '$(IS_SUPPORTED)' 2>/dev/null || rm -rf $(VENV)
	@echo "Setting up $(VENV) with $$("$(PYTHON)" --version); the first time takes a minute or two."
	@"$(PYTHON)" -m venv $(VENV)
	@"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-input \
	  --require-hashes --requirement $(PINS) || { \
	  echo "The packages could not be installed. Is the package index reachable (network, proxy, PIP_INDEX_URL)?" >&2; \
	  echo "Then run the same command again; it goes on where it stopped." >&2; exit 1; }
	@"$(BIN)/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

check: $(STAMP) ## Format, lint, types and architecture, without running anything
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pyright --warnings

test: $(STAMP) ## Run all tests (embedded broker and database, nothing else needed)
	$(BIN)/python -m pytest --numprocesses 2 --dist load --maxschedchunk 1

test-real: $(STAMP) ## Run those tests on Apache Kafka (Java and Maven), containers or an address: ARGS='--broker apache'
	@$(BIN)/python -m tests.kit.real --numprocesses 2 --dist load --maxschedchunk 1 $(ARGS)

sizes: $(STAMP) ## Dead letters, timers, topics, order, an erasure and races at full size (an hour), with reports in docs/reports
	$(BIN)/python -m tests.size $(PARTS)

chaos: $(STAMP) ## Break the real system under load for a while (as root disks fill too): MINUTES=60, ARGS=--smoke or --long
	@$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),10) $(ARGS)

scale-out: $(STAMP) ## One worker of a service, three, two, one, under load; how long partitions stand still
	@$(BIN)/python -m tests.chaos.scale_out $(ARGS)

# The peers are installed beside us, not among us: nothing else needs them.
BENCH := .orderlink/bench-venv

$(BENCH)/ready: requirements/bench.txt pyproject.toml | $(STAMP)
	@echo "Setting up $(BENCH) with the peers that the bench compares with; a minute or two, once."
	@rm -rf $(BENCH)
	@$(BIN)/python -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
	  --require-hashes --requirement requirements/bench.txt
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

overload: $(STAMP) ## Five times the load that it can do, over a slow database: MINUTES=5, ARGS=--smoke
	@$(BIN)/python -m tests.chaos.overload --minutes $(or $(MINUTES),5) $(ARGS)

soak: $(STAMP) ## A fault a minute under load; memory and handles must not grow: HOURS=2
	@$(BIN)/python -m tests.chaos.soak --hours $(or $(HOURS),2) $(ARGS)

bench: $(BENCH)/ready ## What the engine costs, beside the usual way and the drivers alone; ARGS=--smoke for a tiny one
	@$(BENCH)/bin/python -m tests.bench $(ARGS)

storms: $(STAMP) ## Play thousands of seeded storms over all cores: make storms SEEDS=500
	$(BIN)/python -m tests.storms many --seeds $(or $(SEEDS),10000) $(if $(REPORT),--report)

storm: $(STAMP) ## Replay one storm with a trace of its steps and faults: make storm SEED=7
	@if [ -z "$(SEED)" ]; then echo "Name the seed: make storm SEED=7" >&2; exit 2; fi
	$(BIN)/python -m tests.storms one "$(SEED)"

demo: $(STAMP) ## Play three weeks of a shop on the real stack, live in this terminal
	$(BIN)/orderlink demo

images: $(STAMP) ## Build every image and run it as production would (needs a Docker engine): ARGS='--base IMAGE', REPORT=1
	@$(BIN)/python -m tests.images $(ARGS) $(if $(REPORT),--report)

compose: $(STAMP) ## Start deploy/compose.yaml, use it, break it, stop it (engine and Compose; ten minutes): ARGS=--stand-ins, REPORT=1
	@$(BIN)/python -m tests.composed $(ARGS) $(if $(REPORT),--report)

cluster: $(STAMP) ## Install, change and remove the chart on a real Kubernetes control plane (needs Go): REPORT=1
	@$(BIN)/python -m tests.cluster $(if $(REPORT),--report)

up: $(STAMP) ## Start broker, database and the four services; Ctrl-C stops all
	$(BIN)/orderlink up

simulate: $(STAMP) ## Run a timeline under a virtual clock: make simulate FILE=orders.jsonl.gz
	@if [ -z "$(FILE)" ]; then echo "Name the timeline: make simulate FILE=orders.jsonl.gz" >&2; exit 2; fi
	$(BIN)/orderlink simulate "$(FILE)"

schemas: $(STAMP) ## Write event schemas, examples, AsyncAPI and the chart's made parts anew from the code
	$(BIN)/orderlink contracts write
	$(BIN)/orderlink chart write

format: $(STAMP) ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

clean: ## Remove .venv, caches and what a local run left behind
	rm -rf $(VENV) .orderlink .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
	find shared services tests docs -name __pycache__ -type d -prune -exec rm -rf {} +
