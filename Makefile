# Everything here works in .venv, which the first target that needs it makes.
PYTHON ?= python3
BIN := .venv/bin
NAME ?= smoke
RUNS ?= outputs/runs/$(NAME)
# Processes that share the tests, a file at a time and the longest files first (tests/choice.py).
WORKERS ?= 2
# Processes that share the tests of a GPU, each with a context of its own on it.
GPU_WORKERS ?= 4
SHARED := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo test test-quick test-more test-gpu lint bench bench-load bench-check docs sweep report clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: .venv/.installed  ## train, unlearn and attack scikit-learn's digits; show what leaked (a minute on 2 cores, once set up)
	$(BIN)/python -m unlearnleak.run -m +sweep=demo
	@echo
	$(BIN)/unlearnleak table outputs/runs/demo
	$(BIN)/unlearnleak report outputs/runs/demo

test-quick: .venv/.installed  ## run a little from every file of tests
	$(BIN)/python -m pytest $(SHARED) --quick

test: .venv/.installed  ## run the test suite (no network, GPU, SLURM or browser), with WORKERS=2 processes
	$(BIN)/python -m pytest $(SHARED) -m "not slurm and not browser and not gpu and not long"

test-more: .venv/.installed  ## run the tests that take long, or need SLURM or a browser; each says so where it is skipped
	$(BIN)/python -m pytest -m "slurm or browser or long"

test-gpu: .venv/.installed  ## run the tests that need a GPU; each says so where it is skipped
	$(BIN)/python -m pytest -n $(GPU_WORKERS) --dist worksteal -m gpu tests/gpu

lint: .venv/.installed  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.installed  ## time the fast ways against plain ones, and what sweeps and reports cost
	$(BIN)/python -m benchmarks.heads
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.ledger
	$(BIN)/python -m benchmarks.inversion
	$(BIN)/python -m benchmarks.inversion --threads 2 --clock wall
	$(BIN)/python -m benchmarks.probes
	$(BIN)/python -m benchmarks.shadow
	$(BIN)/python -m benchmarks.stacked
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.stages docs/results/mnist.csv --classes 1
	$(BIN)/python -m benchmarks.start
	$(BIN)/python -m benchmarks.sweeps
	$(BIN)/python -m benchmarks.report

bench-load: .venv/.installed  ## hours: grids of up to 100,000 jobs, 10,000 runs, a full store, a worker over 1,000 jobs
	$(BIN)/python -m benchmarks.load

bench-check: .venv/.installed  ## a minute: is every fast way still fast
	$(BIN)/python -m benchmarks.check

docs: .venv/.installed  ## build the site, to be read from build/docs/index.html
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs
	@echo "The site is in build/docs/index.html"

sweep: .venv/.installed  ## run sweeps/NAME.yaml, such as make sweep NAME=smoke
	$(BIN)/python -m unlearnleak.run -m +sweep=$(NAME)

report: .venv/.installed  ## make the page of RUNS, such as make report RUNS=outputs/runs/demo
	$(BIN)/unlearnleak report $(RUNS)

clean: .venv/.installed  ## remove caches and what killed processes left in the store; results stay
	$(BIN)/unlearnleak clean
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
