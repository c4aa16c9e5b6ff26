# Everything a checkout needs. `make help` lists the targets; each makes .venv and installs what it lacks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PLUGINS := $(wildcard plugins/*)
# The files with tests of a mark: to collect all the others only to leave them out takes as long as a dozen tests.
marked = $(sort $(shell grep -rlE 'mark\.$(1)\b' tests plugins --include='test_*.py'))

# Bytecode is kept whatever the environment says: without it each process that tests start compiles everything again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install packages servers demo reference test soak lint bench docs format clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

packages: # Debian packages, where this user may install them; says what is missing otherwise
	@sh lab/debian-packages

servers: # the same, with the servers that the tests speak to
	@sh lab/debian-packages tests

$(STAMP): pyproject.toml constraints.txt $(wildcard plugins/*/pyproject.toml) | packages
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	  -e '.[dev]' $(foreach plugin,$(PLUGINS),-e $(plugin))
	@touch $@

install: packages $(STAMP) ## sdnctl, its plugins and the development tools into .venv

demo: install ## the main job on the reference network: apply, verify, cut, heal, drift (EXAMPLE=small: twelve switches)
	@$(BIN)/python lab/demo.py --example $(or $(EXAMPLE),reference)

reference: install ## write the reference network again: network.yaml inventory/ topology/ intents/, the same bytes
	@$(BIN)/python -m lab.reference

lint: install ## formatting, style, types, import layers
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet . && $(BIN)/mypy && $(BIN)/lint-imports --no-logo

test: servers lint ## every tier, seeded samples (Open vSwitch tier included where this user is root)
	@$(BIN)/python -m pytest -n 3 --dist worksteal -q -m "not ovs" --tier "everything but Open vSwitch"
	@$(BIN)/python -m pytest -n 2 --dist loadfile -q -m "ovs and not quiet" --tier "Open vSwitch" $(call marked,ovs)
	@$(BIN)/python -m pytest -q -m "ovs and quiet" --tier "Open vSwitch, milliseconds" $(call marked,quiet)

soak: servers install ## the full counts: fuzzing, kills, faults, repair times; writes lab/reports/
	@$(BIN)/python -m pytest -n 2 -q --soak -m "soak and not ovs" --tier "soak, everything but Open vSwitch"
	@$(BIN)/python -m pytest -q --soak -m "soak and ovs" --tier "soak, Open vSwitch"

bench: servers install ## measurements against a reference in the same run (ONLY=name for one)
	@$(BIN)/python -m lab.bench $(ONLY)

docs: install ## the user guide, into site/ (open site/index.html)
	@$(BIN)/mkdocs build --strict --quiet

format: install ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix --quiet .

clean: ## remove what these targets made
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	rm -rf site $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
