# What a person needs: make demo, make test, make test-full, make bench, make lint. All of it lives in ./.venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find CMakeLists.txt cmake csrc pyproject.toml python -type f -not -name '*.pyc')
CPP := $(shell find csrc python/src -name '*.cpp' -o -name '*.h')
PY := python tests examples benchmarks
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() or 1)')
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-full bench lint format clean

demo: $(VENV)/installed
	$(BIN)/intaglio demo

test: $(VENV)/installed-dev
	$(BIN)/pytest -n 2

test-full: $(VENV)/installed-dev
	INTAGLIO_FRESH_SEED=1 $(BIN)/pytest -n 2 -m ""

bench: $(VENV)/installed-dev
	$(BIN)/pytest benchmarks --benchmark-enable --benchmark-only --benchmark-columns=median,iqr,min,rounds

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
	rm -rf $(VENV) build

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
