# Every command that a person or CI runs. `make` alone prints them.
.DEFAULT_GOAL := help
# A Python built without profile-guided optimisation costs up to a fifth of the rate.
PYTHON ?= $(shell python3 infra/fastest_python.py)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TRADES ?= 3000
SEED ?= 7
FAULT_SEED ?=
SEEDS ?= 200
COMMANDS ?= 300
JOBS ?= 2
MINUTES ?= 15
PEERS = $(shell $(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["bench"])')

.PHONY: help setup demo test test-unit test-slow test-sim test-integration test-faults faults soak sim bench bench-peers check fmt fmt-check lint types imports \
	schemas schemas-verify up down lock clean

help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

setup: $(READY) ## make .venv with everything in it

$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || { python=$(PYTHON); echo "making $(VENV) with $$python"; $$python -m venv $(VENV); }
	@echo "installing the locked packages into $(VENV) (once, about a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## start everything, run a market day, show what became of it
	@$(BIN)/danbao demo --trades $(TRADES) --seed $(SEED)

up: setup ## run the engine in the foreground; Ctrl-C stops it
	@$(BIN)/danbao up

down: setup ## stop an engine started with `danbao up --detach`
	@$(BIN)/danbao down

test: test-unit test-slow test-sim test-integration ## all tests but the fault suite, the last ones on real Kafka and Postgres

test-unit: setup ## the pure tests: seconds, no server
	@$(BIN)/pytest tests/unit tests/tidy -n 2 -m "not slow"

test-slow: setup ## the pure tests that take seconds each
	@$(BIN)/pytest tests/unit -n 2 -m slow

test-sim: setup ## a few simulations, and bugs that they must find: no server
	@$(BIN)/pytest tests/sim -n 2

test-integration: setup ## the tests on real Kafka and Postgres
	@$(BIN)/pytest tests/conformance tests/integration -n 2 --dist loadfile

test-faults: setup ## a selection of the fault suite, below ten minutes
	@DANBAO_FAULT_SEED=$(FAULT_SEED) $(BIN)/pytest tests/faults -m brief

faults: setup ## the whole fault suite; FAULT_SEED=n repeats a run
	@DANBAO_FAULT_SEED=$(FAULT_SEED) $(BIN)/pytest tests/faults

sim: setup ## simulate the engine under faults: SEEDS=200 or 1-200, COMMANDS=300
	@$(BIN)/python -m danbao.testing.simulation --seeds $(if $(findstring -,$(SEEDS)),$(SEEDS),1-$(SEEDS)) \
		--commands $(COMMANDS) --jobs $(JOBS) --twice 5

AUDIT = $(BIN)/python -m tests.audit --dsn {dsn} --bootstrap {bootstrap}

bench: setup ## how fast it is here: drain, top rate, latency; audited (about 5 minutes)
	@mkdir -p .danbao/bench
	@$(BIN)/danbao bench --audit "$(AUDIT)" --save .danbao/bench/bench.json --html .danbao/bench/bench.html
	@echo "the page with plots: .danbao/bench/bench.html"

bench-peers: setup ## danbao beside SQL by hand, eventsourcing and a bare echo, in turns
	@$(BIN)/pip install --quiet --disable-pip-version-check $(PEERS)
	@$(BIN)/python -m tests.bench

soak: setup ## MINUTES at half of top speed, a random fault every 30 s; FAULT_SEED=n repeats a run
	@$(BIN)/python -m tests.soak --minutes $(MINUTES) $(if $(FAULT_SEED),--seed $(FAULT_SEED))

check: setup fmt-check lint types imports schemas-verify test-unit ## all that needs no server, below a minute

fmt: setup ## format the code
	@$(BIN)/ruff format services tests infra
	@$(BIN)/ruff check --fix-only --quiet services tests infra

fmt-check: setup
	@$(BIN)/ruff format --check --quiet services tests infra

lint: setup
	@$(BIN)/ruff check --quiet services tests infra

types: setup
	@$(BIN)/mypy

imports: setup
	@$(BIN)/lint-imports --no-cache > $(VENV)/imports.log 2>&1 || { cat $(VENV)/imports.log; exit 1; }

schemas: setup ## make schemas/ and the generated docs anew from the code
	@$(BIN)/danbao schemas write

schemas-verify: setup
	@$(BIN)/danbao schemas verify

lock: ## make requirements.lock and that of the image anew (needs uv)
	@uv pip compile pyproject.toml --quiet --group dev --extra analysis --extra otel --generate-hashes --no-emit-index-url \
		--no-header --universal --python-version 3.11 --output-file requirements.lock
	@uv pip compile pyproject.toml --quiet --group image --extra otel --generate-hashes \
		--no-emit-index-url --no-header --universal --python-version 3.11 \
		--output-file infra/requirements.lock

clean: ## remove .venv and the data of the local servers
	@rm -rf $(VENV) .danbao
