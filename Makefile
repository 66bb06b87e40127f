# CI calls only these. Everything is set up by bootstrap.py: git, make and Python >= 3.11 are enough.
PYTHON ?= python3
BIN := .venv/bin
BENCH ?=
ARGS ?=

# what Python compiles is kept: without it each of a hundred processes compiles the libraries again
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-fast test-all test-changed check bench lock clean

run:
	@$(PYTHON) bootstrap.py && exec $(BIN)/xinglin serve --demo

test:
	@$(PYTHON) bootstrap.py --dev --programs && $(BIN)/python -m tests.run test $(ARGS)

test-fast:
	@$(PYTHON) bootstrap.py --dev && $(BIN)/python -m tests.run fast $(ARGS)

test-all:
	@$(PYTHON) bootstrap.py --dev --programs && $(BIN)/python -m tests.run all $(ARGS)

test-changed:
	@$(PYTHON) bootstrap.py --dev --programs && $(BIN)/python -m tests.run changed $(ARGS)

check:
	@$(PYTHON) bootstrap.py --dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python locks.py --check

bench:
	@$(PYTHON) bootstrap.py --dev --programs && $(BIN)/python -m benchmarks $(BENCH) $(ARGS)

lock:
	@$(PYTHON) bootstrap.py --dev && $(BIN)/python locks.py

clean:
	rm -rf .venv node_modules widgets/static build test-results
