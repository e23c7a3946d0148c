# Undertow: set up, check, show. `make PYTHON=python3.12 test` uses another interpreter.

PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
# One stamp for each interpreter, so that naming another PYTHON installs afresh.
STAMP   = $(VENV)/.installed-with-$(subst /,-,$(PYTHON))

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test bench bench-scale figures clean

help:
	@echo "make demo      set up and run the demonstration"
	@echo "make test      set up, lint, type-check and run every test"
	@echo "make bench     measure the speed of the engine"
	@echo "make bench-scale  measure 100,000 accounts on three exchanges"
	@echo "make figures   draw every figure"
	@echo "make clean     remove the environment and the caches; results stay"

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "undertow: no interpreter called $(PYTHON); name one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "undertow needs Python 3.11 or newer; $(PYTHON) is " + sys.version.split()[0] + ". Name another with PYTHON=python3.11")'
	@echo "setting up $(VENV) with $(PYTHON) (a minute or two, once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e ".[test]"
	@touch $@

demo: install
	@$(BIN)/undertow demo

test: install
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pytest -n auto --maxprocesses 4 --dist worksteal

bench: install
	@$(BIN)/python -m benchmarks.speed
	@$(BIN)/python -m benchmarks.margin

bench-scale: install
	@$(BIN)/python -m benchmarks.scale

figures: install
	@$(BIN)/undertow figures

clean:
	@rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov *.egg-info
	@find agents protocol experiments tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
