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
DEMO_TRAITS := er89_total rejection:rejection_negative_affect acceptance:acceptance_social_desire

.DEFAULT_GOAL := help
.PHONY: help env demo validate test test-quick test-all coverage lint peers lock image clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

env: $(READY)  ## the environment in .venv, from requirements-dev.lock

$(READY): requirements-dev.lock pyproject.toml version scripts/find_python.sh
	@python=$$(PYTHON='$(PYTHON)' sh scripts/find_python.sh) && "$$python" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STUDY)  ## simulate a small study, run both levels on it, print where the group page is
	$(BIN)/python run.py $(DEMO)/bids $(OUTPUT) participant $(DEMO_OPTIONS)
	$(BIN)/python run.py $(DEMO)/bids $(OUTPUT) group $(DEMO_OPTIONS) --trait $(DEMO_TRAITS)
	@test -f $(OUTPUT)/group.html
	@echo "Group page: $(CURDIR)/$(OUTPUT)/group.html"

# The mark is written last, so that an interrupted simulation starts afresh.
$(STUDY): | $(READY)
	@rm -rf $(DEMO)/bids
	$(BIN)/python -m morbids.simulation $(DEMO)/bids --participants 8 --voxel-mm 4 --seed 1
	@touch $@

validate: $(READY)  ## the demo's input and output, by the BIDS validator
	$(BIN)/python -m morbids.bids.validation $(DEMO)/bids $(OUTPUT)

# Files of tests are shared out among as many processes as there are processors (WORKERS=0: in this one).
WORKERS := auto
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test: $(READY)  ## the test suite
	$(PYTEST)

test-quick: $(READY)  ## the tests without graphs, registrations, simulations and whole runs
	$(PYTEST) -m "not slow and not graph"

test-all: $(READY)  ## the test suite with what takes minutes
	$(PYTEST) -m "slow or not slow"

coverage: $(READY)  ## which lines the test suite reaches, steps in workers included; errors that it does not reach
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report
	-$(BIN)/python -m tests.unreached_raises

lint: $(READY)  ## ruff, type checker, import contracts, spelling, on every file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

peers: $(READY)  ## other programs that the benchmarks run side by side, into .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r benchmarks/requirements.lock

# requirements.lock is a subset of requirements-dev.lock, at the same versions.
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet

lock: $(READY)  ## resolve the requirements anew and write the lock files (LOCK_OPTIONS=--upgrade for newer ones)
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) pyproject.toml $(LOCK_OPTIONS) --extra dev --extra build -o requirements-dev.lock
	$(COMPILE) pyproject.toml --extra build -c requirements-dev.lock -o requirements.lock
	$(COMPILE) --group pyproject.toml:peers -c requirements-dev.lock -o benchmarks/requirements.lock

image:  ## build the container image without an engine and try it (Debian, as root)
	scripts/build_image.sh
	scripts/smoke_image.sh build/image/rootfs

clean:  ## remove the environment, the demo and what was built
	rm -rf $(VENV) $(DEMO) build dist *.egg-info
