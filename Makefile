# Everything runs from .venv, made from the lock file; nothing needs root (except `make image`).
SHELL := /bin/sh
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := demo
STUDY := $(DEMO)/.simulated
OUTPUT := $(DEMO)/derivatives/morbids
DEMO_OPTIONS := --work-dir $(DEMO)/work --nprocs 2
DEMO_STUDY := --participants 8 --tasks rejection --voxel-mm 4.5 --noise 0.5 --seed 1

.DEFAULT_GOAL := help
.PHONY: help env demo validate test test-quick test-all coverage lint peers docs lock image clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

env: $(READY)  ## the environment in .venv, from requirements-dev.lock

$(READY): requirements-dev.lock pyproject.toml version scripts/find_python.sh
	@echo "Making the environment in $(VENV) from requirements-dev.lock: some minutes, once."
	@python=$$(PYTHON='$(PYTHON)' sh scripts/find_python.sh) && "$$python" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STUDY)  ## simulate a small study, run both levels on it, print where the group page is
	@echo "2 of 3: the participant level on every scan"
	$(BIN)/python run.py $(DEMO)/bids $(OUTPUT) participant $(DEMO_OPTIONS)
	@echo "3 of 3: the group level"
	$(BIN)/python run.py $(DEMO)/bids $(OUTPUT) group $(DEMO_OPTIONS) --trait er89_total
	@test -f $(OUTPUT)/group.html
	@echo "Group page: $(CURDIR)/$(OUTPUT)/group.html"

# The mark is written last, so that an interrupted simulation starts afresh.
# Why this study: docs/simulation.md, "The demo".
$(STUDY): | $(READY)
	@echo "1 of 3: simulating a study with known effects"
	@rm -rf $(DEMO)/bids
	$(BIN)/python -m morbids.simulation $(DEMO)/bids $(DEMO_STUDY)
	@touch $@

validate: $(READY)  ## the demo's input and output, by the BIDS validator
	$(BIN)/python -m morbids.bids.validation $(DEMO)/bids $(OUTPUT)

# Files of tests are shared out among as many processes as there are processors (WORKERS=0: in this one), in the order
# of tests/conftest.py.
WORKERS := auto
PYTEST := $(BIN)/python -m pytest -n $(WORKERS)

test: $(READY)  ## the test suite
	$(PYTEST)

test-quick: $(READY)  ## the tests without graphs, registrations, simulations and whole runs
	$(PYTEST) -m "not slow and not graph"

test-all: $(READY)  ## the test suite with what takes minutes
	$(PYTEST) -m "slow or not slow"

coverage: $(READY)  ## which lines the test suite reaches, steps in workers included; errors that it does not reach
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n $(WORKERS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report
	$(BIN)/python -m tests.unreached_raises

lint: $(READY)  ## ruff, type checker, import contracts, spelling, on every file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

peers: $(READY)  ## other programs that the benchmarks run side by side, into .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r benchmarks/requirements.lock

docs:  ## the documentation as a site, in build/site (its own environment in build/docs-env)
	@python=$$(PYTHON='$(PYTHON)' sh scripts/find_python.sh) && "$$python" -m venv build/docs-env
	build/docs-env/bin/python -m pip install --quiet --require-hashes -r docs/requirements.lock
	build/docs-env/bin/mkdocs build --quiet
	@echo "Documentation: $(CURDIR)/build/site/index.html"

# requirements.lock is a subset of requirements-dev.lock, at the same versions.
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet

lock: $(READY)  ## resolve the requirements anew and write the lock files (LOCK_OPTIONS=--upgrade for newer ones)
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) pyproject.toml $(LOCK_OPTIONS) --extra dev --extra build -o requirements-dev.lock
	$(COMPILE) pyproject.toml --extra build -c requirements-dev.lock -o requirements.lock
	$(COMPILE) --group pyproject.toml:peers -c requirements-dev.lock -o benchmarks/requirements.lock
	$(COMPILE) --group pyproject.toml:docs -c requirements-dev.lock -o docs/requirements.lock

image:  ## build the container image without an engine and try it (Debian, as root)
	scripts/build_image.sh
	scripts/smoke_image.sh build/image/rootfs

clean:  ## remove the environment, the demo and what was built
	rm -rf $(VENV) $(DEMO) build dist *.egg-info
