# One door: make demo, make test, make lint, make bench, make docs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.installed-bench

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install demo test test-all lint bench docs clean

help:
	@echo "make demo      install, then fit a network to a table in examples/ in a minute"
	@echo "make test      install, then run the tests (make test-all: the slow ones too)"
	@echo "make lint      install, then check style, types and imports"
	@echo "make bench     install, then measure against the peers"
	@echo "make docs      install, then check that the documentation runs"

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "evenfit needs Python 3.11 or newer; say which with: make PYTHON=python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	@if test -e src/evenfit/fleet/warm.py; then echo "compiling the kernels, once"; $(BIN)/python -m evenfit.fleet.warm; fi
	@touch $@

$(BENCH_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,bench]'
	@touch $@

demo: install
	$(BIN)/evenfit fit examples/bank.csv --target subscribed --budget 60s

test: install
	$(BIN)/python -m pytest -m "not slow and not ray" $(ARGUMENTS)

test-all: install
	$(BIN)/python -m pytest $(ARGUMENTS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(BENCH_STAMP)
	@set -e; for script in benchmarks/*.py; do $(BIN)/python $$script --json; done

docs: install
	$(BIN)/python -m pytest tests/test_docs.py tests/test_public_names.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
