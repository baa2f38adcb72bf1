# A newcomer's two commands: `make fit` (an environment, then the main job) and `make test` (an environment, then the
# tests). Everything else is for those who work on the package.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= fit

.DEFAULT_GOAL := help
.PHONY: help fit test slow nightly lint types docs notebooks figures reproduce wheel bench clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

fit: $(VENV)/.installed ## set up, then fit BP1 with NA64mu, ESS, ESS10 and DARWIN; results in the folder fit/
	$(BIN)/lmtbayes fit --out $(OUT)

# worksteal: a file stays in one process, which then compiles for it once.
test: $(VENV)/.installed ## set up, then run the default tests (both cores)
	$(BIN)/python -m pytest -n auto --dist worksteal

# loadfile: the tests of a file share a process, and in it what one of them has compiled; those marked `longest` begin.
slow: $(VENV)/.installed ## the long and statistical tests
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m slow --durations 60 --durations-min 5

nightly: $(VENV)/.installed ## what is too long for CI: studies at full size, samplers at every benchmark
	$(BIN)/python -m pytest -m nightly

lint: $(VENV)/.installed ## style, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed ## static types
	$(BIN)/mypy

docs: $(VENV)/.installed ## build the pages into site/, warnings as errors; runs no notebook
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict --config-file docs/make/mkdocs.yml

notebooks: $(VENV)/.installed ## execute every notebook in place
	$(BIN)/python notebooks/execute.py

figures: $(VENV)/.installed ## the figures of the paper, into figures/
	$(BIN)/lmtbayes figures --out figures

reproduce: $(VENV)/.installed ## every figure and statement of the paper and a report with verdicts, into reproduce/
	$(BIN)/lmtbayes reproduce --out reproduce

wheel: $(VENV)/.installed ## build dist/*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

# One stamp: the environment is made again when the dependencies change.
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 12) else "lmtbayes needs Python 3.12 or newer; " + sys.executable + " is %d.%d. Try: make $(MAKECMDGOALS) PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,nested,notebooks]'
	@touch $@

bench: $(VENV)/.installed ## measure (three quarters of an hour and more, an idle machine) and renew the tables of benchmarks/RESULTS.md
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[benchmark]'
	$(BIN)/python -m benchmarks --history benchmarks/history --results benchmarks/RESULTS.md

clean: ## remove the environment and what was built
	rm -rf $(VENV) dist build site .pytest_cache .mypy_cache .ruff_cache .hypothesis .jax_cache
