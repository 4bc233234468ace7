# deckwatch: `make run` and `make test` are all the set-up there is.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
AGENT  := $(VENV)/.agent
STAMP  := $(VENV)/.tests

.PHONY: run test unit lint integration bench soak docs clean
.DEFAULT_GOAL := run

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("deckwatch needs Python 3.11 or newer, this is %s; name another: make PYTHON=python3.12" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -q && apt-get install -y -q python3-venv && $(PYTHON) -m venv $(VENV); \
	  else echo "cannot create a virtual environment: install the package python3-venv" >&2; exit 1; fi; }

$(AGENT): pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(STAMP): $(AGENT)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

run: $(AGENT)
	@exec $(BIN)/deckwatch run -c examples/demo.yaml

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(STAMP)
	$(BIN)/python -m pytest tests/unit

integration: $(STAMP)
	$(BIN)/python -m pytest tests/integration

test: $(STAMP)
	@sh tests/install-engines
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest tests

bench: $(STAMP)
	@sh tests/install-engines bench
	$(BIN)/python -m tests.bench

# Containers that come and go for minutes (DECKWATCH_SOAK_SECONDS each kind), then the tests that look for rare
# losses, again and again: kills at any time, rotation, short lives.
ROUNDS ?= 20
soak: $(STAMP)
	@sh tests/install-engines
	$(BIN)/python -m tests.soak
	for round in $$(seq $(ROUNDS)); do echo "round $$round of $(ROUNDS)"; \
	  $(BIN)/python -m pytest -q -x tests/integration/test_agent_survival.py \
	    tests/integration/test_logs.py tests/integration/test_docker.py || exit 1; done

docs: $(STAMP)
	$(BIN)/python -m agent.reference docs

clean:
	rm -rf $(VENV) .demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
