# Everything runs from .lakeline/, which 'make setup' fills and git ignores. 'make help' lists the targets.
PYTHON ?= python3
BIN := .lakeline/venv/bin
# Hundreds of processes are started, and each would compile anew what it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick-spark test-fast test-long check audit bench clean lock

help: ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 14

setup: ## Sets up uv, the environment and Spark's jars; once done, asks no network
	@$(PYTHON) scripts/set_up.py

demo: setup ## Tells the whole story on iris: from raw files to a served prediction
	@$(BIN)/lakeline demo

test: setup quick-spark ## Runs all tests but the long ones: those that need Spark or Airflow beside the others
	@$(BIN)/pytest -n 3 --dist loadscope --no-loadscope-reorder

quick-spark: setup ## Keeps what Java loads for Spark, about 200 MB, so that each server starts in half the time
	@$(BIN)/python -m lakehouse.spark_warm

test-fast: setup ## Runs the tests that need neither Spark nor a server, in about a minute
	@$(BIN)/pytest -m "not spark and not slow" -n 2

test-long: setup ## Kills at a hundred random moments, races, and many statements of Spark, for half an hour; prints its seed
	@$(BIN)/pytest -m long -s

check: setup ## Lint, format, types and import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

audit: setup ## Asks a database of advisories for what uv.lock pins; says so where none answers
	@$(PYTHON) scripts/audit.py

bench: setup ## Measures every claim and writes benchmarks/results.json
	@$(BIN)/python -m benchmarks

clean: ## Stops what runs and removes the local lake and caches; the environment and the jars stay
	@test ! -x $(BIN)/lakeline || $(BIN)/lakeline down --now
	@test ! -x $(BIN)/lakeline || $(BIN)/lakeline spark stop --all
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	@find .lakeline -mindepth 1 -maxdepth 1 ! -name venv ! -name uv ! -name jars ! -name go ! -name ready ! -name requirements.txt \
		-exec rm -rf {} + 2>/dev/null || true
	@echo "removed the local lake; 'make demo' starts anew"

lock: ## Brings uv.lock up to pyproject.toml; it keeps no address of a registry
	@$(PYTHON) scripts/lock.py
