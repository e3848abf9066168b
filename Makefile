# What a person needs: make demo, make test, make test-full, make bench, make lint, make wheels. All of it lives in
# ./.venv, and the peers of make bench-peers in ./.venv-peers.

PYTHON ?= python3
VENV := .venv
PEERS := .venv-peers
BIN := $(VENV)/bin
SOURCES := $(shell find CMakeLists.txt cmake csrc pyproject.toml python -type f -not -name '*.pyc')
CPP := $(shell find csrc python/src tests/everywhere -name '*.cpp' -o -name '*.h')
PY := python tests examples benchmarks
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() or 1)')
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-full test-everywhere wheels bench bench-peers lint format clean

demo: $(VENV)/installed
	$(BIN)/intaglio demo

test: $(VENV)/installed-dev
	$(BIN)/pytest -n 2

test-full: $(VENV)/installed-dev
	INTAGLIO_FRESH_SEED=1 $(BIN)/pytest -n 2 -m ""

bench: $(VENV)/installed-dev
	$(BIN)/pytest benchmarks --benchmark-enable --benchmark-only --benchmark-columns=median,iqr,min,rounds

# As in `make bench-peers ARGS="--quick --networks MLP"`.
bench-peers: $(PEERS)/installed
	$(PEERS)/bin/python benchmarks/compare_peers.py --plot build/peers/figures.svg $(ARGS)

# As in `make test-everywhere ARGS=--quick`. Needs qemu and Debian's cross compilers: says which are missing.
test-everywhere: $(VENV)/installed-dev
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/everywhere/matrix.py $(ARGS)

# Those that can be built and tested here; docs/releasing.md has the others.
wheels: $(VENV)/installed-dev
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/wheels/wheels.py $(ARGS)

lint: $(VENV)/installed-dev
	$(BIN)/clang-format --dry-run -Werror $(CPP)
	$(BIN)/ruff check $(PY)
	$(BIN)/ruff format --check $(PY)
	$(BIN)/mypy

format: $(VENV)/installed-dev
	$(BIN)/clang-format -i $(CPP)
	$(BIN)/ruff check --fix $(PY)
	$(BIN)/ruff format $(PY)

clean:
	rm -rf $(VENV) $(PEERS) build

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The second installation holds what the first does, and more.
$(VENV)/installed: $(BIN)/python $(SOURCES)
	@echo "building and installing intaglio into $(VENV) ..."
	$(BIN)/pip install --quiet .
	touch $@

$(VENV)/installed-dev: $(BIN)/python $(SOURCES)
	@echo "building and installing intaglio and its development tools into $(VENV) ..."
	$(BIN)/pip install --quiet ".[dev]"
	touch $(VENV)/installed $@

$(PEERS)/installed: $(SOURCES)
	@echo "building and installing intaglio and its peers into $(PEERS) ..."
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet ".[peers]"
	touch $@
