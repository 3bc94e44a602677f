# Every target sets up what it needs: Python ≥ 3.11 and git are enough. Nothing is written outside
# this folder, except that root on Debian lets `make test` install Chromium with apt-get.
# FERMATA_NO_APT=1 forbids even that; PYTHON=… chooses the interpreter.

VENV := .venv
PY := $(VENV)/bin/python
# Three workers keep two cores busy, since tests wait a third of their time; tests of one file stay together and share
# its servers, in the order of tests/conftest.py.
WORKERS ?= 3
PYTEST := $(PY) -m pytest -n $(WORKERS) --dist=loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help sandbox test quick faults lint format bench score lock clean runtime dev

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

sandbox: runtime ## try Fermata on http://127.0.0.1:8300, no accounts needed
	@$(VENV)/bin/fermata sandbox $(ARGS)

test: dev ## every test, on SQLite, PostgreSQL, a real Redis and a browser
	@./scripts/services redis chromium curl
	@$(PYTEST) $(ARGS)

quick: dev ## the tests that take seconds
	@./scripts/services redis curl
	@HYPOTHESIS_PROFILE=quick $(PYTEST) -m "not slow and not browser" $(ARGS)

faults: dev ## kills, outages, races and the models at full size (make test runs a short slice)
	@./scripts/services redis
	@FERMATA_THOROUGH=1 HYPOTHESIS_PROFILE=thorough $(PYTEST) tests/faults tests/races \
		tests/core/test_lifecycle_model.py tests/core/test_schedule_dst.py tests/bad_inputs/test_fuzz.py $(ARGS)

lint: dev ## ruff, formatting, mypy --strict, lock files
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) scripts/check_locks.py

format: dev ## let ruff put the code in order
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

bench: dev ## throughput and latency, printed as ratios
	@$(PY) -m benchmarks $(ARGS)

# The labelled corpus of real mail stands beside this folder, not in it: its licences are mixed.
CORPUS ?= ../shared/inbound
score: dev ## the inbound classifier on a labelled corpus (CORPUS=folder with score.py)
	@if [ -f $(CORPUS)/score.py ]; then \
		$(PY) $(CORPUS)/score.py benchmarks.inbound_score:classify --path . $(ARGS); \
	else \
		echo "There is no corpus in $(CORPUS), so nothing was measured; give its folder: make score CORPUS=…"; exit 1; \
	fi

# One resolution for all Pythons from 3.11 and all systems; the dev file repeats the runtime versions.
COMPILE = $(PY) -m uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --strip-extras --custom-compile-command "make lock"
lock: runtime ## remake both lock files (UPGRADE=--upgrade for newer versions)
	@$(PY) -m pip install -qq "uv>=0.9"
	@$(COMPILE) $(UPGRADE) --group build -o requirements.lock
	@$(COMPILE) $(UPGRADE) --group dev -c requirements.lock -o requirements-dev.lock
	@$(PY) scripts/check_locks.py

clean: ## remove what the other targets made
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime:
	@./scripts/venv requirements.lock

dev:
	@./scripts/venv requirements-dev.lock
