# Everything below sets itself up: Python 3.11 or later and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WORKERS ?= 2
SCALE ?= 1

.DEFAULT_GOAL := help
.PHONY: help ready demo test faults bench lint types contracts check format clean

help:  ## Show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

$(READY): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "found $$($(PYTHON) --version 2>&1), expected Python 3.11 or later; give one as PYTHON=…"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

ready: $(READY)  ## Only set up

demo: $(READY)  ## Run the main job on a simulated estate of 24 servers
	$(BIN)/orchestrator demo

test: $(READY)  ## Run every test
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

faults: $(READY)  ## Kill program and connections at every point; 10,000 hostile answers
	ORCHESTRATOR_ALL_FAULTS=1 ORCHESTRATOR_HOSTILE_CASES=10000 \
	  $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal \
	  tests/faults tests/unit/adapters/winrm/test_hostile_answers.py

bench: $(READY)  ## Measure it all and write docs/performance.md; SCALE=0.02 tries it
	$(BIN)/python -m benchmarks --scale $(SCALE)

lint: $(READY)  ## Lint, check the format and the spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell orchestrator docs README.md CONTRIBUTING.md CHANGELOG.md

types: $(READY)  ## Check the types
	$(BIN)/mypy

contracts: $(READY)  ## Check that dependencies point inward
	$(BIN)/lint-imports

check: lint types contracts test  ## All that CI checks

format: $(READY)  ## Format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(READY)  ## Take newer dependencies into the lock file
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --upgrade \
	  --generate-hashes --no-emit-index-url --no-header -q -o requirements/dev.lock

clean:  ## Remove what was made
	rm -rf $(VENV) .demo dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
