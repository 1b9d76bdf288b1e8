# One entry point for people and for CI. Everything is made inside this folder; nothing is installed elsewhere.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?=
export PYTHON

# Where the tools look for checks and formats.
CODE := orchestrator nu_plugin_orch tests tools

# Output in order, and pytest last.
.NOTPARALLEL:

.PHONY: help setup demo test lint types imports pytest bench soak format clean

help: ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## make .venv (the package and its tools) and .tools (Nushell); does nothing when nothing changed
	@tools/setup

demo: ## run the sample workflow in a fresh data directory, through Nushell
	@tools/setup --newest-nushell
	@tools/demo

test: PYTEST := --cov
test: setup lint types imports pytest ## everything that CI checks

lint: setup ## style of the Python code
	.venv/bin/ruff check $(CODE)
	.venv/bin/ruff format --check $(CODE)

types: setup ## strict types
	.venv/bin/mypy

imports: setup ## who may import whom
	.venv/bin/lint-imports --no-cache

pytest: setup ## all tests: Python, Nushell, examples, documents; some of them with PYTEST="tests/nu -k watch"
	.venv/bin/pytest $(PYTEST)

bench: setup ## speed figures, with ratios to what one would compare them with
	@for bench in tests/bench/bench_*.py; do .venv/bin/python -m "tests.bench.$$(basename "$$bench" .py)"; done

soak: setup ## the fault tests for an hour or so, and what they did into docs/faults.md; longer with SOAK="--histories 1000000"
	.venv/bin/python -m tests.simulation.soak $(SOAK)
	.venv/bin/python tools/generate_docs.py

format: setup ## bring the Python code into form
	.venv/bin/ruff check --fix $(CODE)
	.venv/bin/ruff format $(CODE)

clean: ## delete everything that was made here
	rm -rf .venv .uv .tools .build dist htmlcov .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache \
	  .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
