# Two commands matter: `make demo` and `make test`. Everything they need is installed by the first line they run.

.DEFAULT_GOAL := help
.PHONY: simulate help demo test test-unit test-docker test-interop node chromium screens chaos bench contracts lint up down setup

UV := $(shell command -v uv 2>/dev/null || echo .local/uv/bin/uv)
RUN := $(UV) run --frozen --quiet
KILL ?= referral
SEED ?= 1
SINCE ?= HEAD
WORKERS ?= 3

help: ## what can be done here
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup ## drive a day of real traffic through everything, kill -9 a service half way, and judge (KILL=each, SEED=2)
	@$(RUN) duaal demo --kill $(KILL) --seed $(SEED)

test: setup chromium ## all tests, on real Kafka and PostgreSQL (WORKERS=0: one after the other)
	@$(RUN) pytest -n $(WORKERS) $(PYTEST)

test-unit: setup ## the tests that need no server, half a minute
	@$(RUN) pytest tests/unit tests/contract

test-docker: setup ## the local stack in containers, where a Docker daemon runs
	@LOCAL_STACK=docker $(RUN) pytest -m docker tests/local

test-interop: setup tests/interop/node_modules/.package-lock.json ## the contracts before other people's software, what comes from npm
	@$(RUN) pytest -m npm tests/interop tests/e2e

simulate: setup ## thousands of interleavings of relay and pipeline (SIMULATION=long: more, and others each time)
	@$(RUN) pytest tests/simulation

lint: setup ## style, strict types, import rules
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) lint-imports

contracts: setup ## every event beside all its former versions, both ways (SINCE=origin/main for another baseline)
	@$(RUN) duaal contracts check --since $(SINCE)

chaos: setup ## every fault at every crash point, judged by one oracle (CELLS=poison SEED=2)
	@$(RUN) python -m tests.chaos $(CELLS) --seed $(SEED)

bench: setup ## every figure beside its limit (ROW=hop for one row)
	@$(RUN) --group bench python -m benchmarks $(ROW)

up: setup ## start the platform and leave it up (SECURE=1: Kafka asks everybody for a login)
	@$(RUN) duaal up $(if $(SECURE),--secure)

down: setup ## stop what `make up` started
	@$(RUN) duaal down

tests/interop/node_modules/.package-lock.json: tests/interop/package-lock.json | node
	@npm ci --prefix tests/interop --ignore-scripts --no-audit --no-fund --silent

screens: setup ## a picture of every page in every state, in .local/screens, and those of the README
	@$(RUN) python -m tests.browser.chromium --install
	@$(RUN) python -m tests.browser.screens

chromium: setup
	@$(RUN) python -m tests.browser.chromium

node:
	@node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null \
		|| { echo "Install Node 18 or newer with npm (apt install nodejs npm)."; exit 1; }

setup: .venv/.synced

.venv/.synced: uv.lock pyproject.toml | $(if $(findstring .local,$(UV)),.local/uv/bin/uv)
	@$(UV) sync --frozen --quiet --compile-bytecode
	@touch $@

.local/uv/bin/uv:
	@command -v python3 >/dev/null || { echo "Install Python 3.11 or newer (apt install python3 python3-venv)."; exit 1; }
	@python3 -m venv .local/uv || { echo "Install the venv module of Python (apt install python3-venv)."; exit 1; }
	@.local/uv/bin/pip install --quiet uv
