# `make help` lists what there is. Everything happens in .venv, built from constraints.txt.
# Without a network: PIP_NO_INDEX=1 PIP_FIND_LINKS=$PWD/wheelhouse make test

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
# Takes the network away where the system lets us; the program does not use it in any case.
OFFLINE := $(shell unshare -rn true 2>/dev/null && echo unshare -rn)

.PHONY: help install demo test check bench wheelhouse clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(INSTALLED)  ## .venv with the pinned versions and this tree, editable

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 14) else \
		"Python 3.11 to 3.13 is needed, this is %d.%d; try: make PYTHON=python3.12" % v[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(INSTALLED)  ## the main job on real data: fetch 90 MB once, then no network
	$(BIN)/glossator starter add minilm
	$(BIN)/glossator starter add bbc-news
	$(OFFLINE) $(BIN)/glossator demo

# A starter that cannot be fetched is no failure: the tests that need it skip and say so.
test: $(INSTALLED)  ## the whole test suite
	-$(BIN)/glossator starter add minilm
	-$(BIN)/glossator starter add multilingual
	-$(BIN)/glossator starter add bbc-news
	$(BIN)/python -m pytest -q --numprocesses auto --maxprocesses 4 --dist loadgroup

check: $(INSTALLED)  ## formatting, lint, types, the drawing of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(INSTALLED)  ## the measurements of benchmarks/ (GLOSSATOR_DATA names the data sets)
	$(BIN)/python -m benchmarks

wheelhouse: $(INSTALLED)  ## every wheel for a machine without network, and a try at installing it
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check -c constraints.txt \
		--wheel-dir wheelhouse '.[dev]' setuptools
	$(BIN)/python scripts/bundle_wheels.py wheelhouse
	scripts/try_wheelhouse.sh wheelhouse

clean:  ## all that make has made; the user's cache stays
	rm -rf .venv wheelhouse build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache \
		.import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
