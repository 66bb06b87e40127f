# CI calls only these. Everything is set up by bootstrap.py: git, make and Python >= 3.11 are enough.
PYTHON ?= python3
BIN := .venv/bin
BENCH ?=

.PHONY: run test check bench lock clean

run:
	@$(PYTHON) bootstrap.py && exec $(BIN)/xinglin serve --demo

test:
	@$(PYTHON) bootstrap.py --dev && $(BIN)/python -m pytest $(ARGS)

check:
	@$(PYTHON) bootstrap.py --dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench:
	@$(PYTHON) bootstrap.py --dev && $(BIN)/python -m benchmarks $(BENCH)

lock:
	$(BIN)/uv pip compile --generate-hashes --no-emit-index-url --no-header -q pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --generate-hashes --no-emit-index-url --no-header -q --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(BIN)/npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

clean:
	rm -rf .venv node_modules widgets/static build test-results
