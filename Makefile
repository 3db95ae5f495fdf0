# Everything here sets itself up: a virtual environment in .venv, packages pinned by constraints.txt.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := ehpsbench dataset_adapters metrics leaderboards reports tests benchmarks tools

.PHONY: demo test browser fuzz lint format clean

demo: $(VENV)/.installed
	$(BIN)/ehpsbench demo

test: $(VENV)/.installed-dev browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --quiet -n auto --dist loadfile

# Chromium for the tests of the report; where this user may not install it they skip, and say so.
browser:
	@for name in chromium chromium-browser google-chrome; do \
	  if command -v $$name > /dev/null; then exit 0; fi; \
	done; \
	if [ "$$(id -u)" = 0 ]; then may=; elif sudo -n true 2> /dev/null; then may="sudo -n"; else exit 0; fi; \
	$$may apt-get update -qq && $$may apt-get install -y -qq --no-install-recommends chromium || true

# Damaged files, other ones at every run; EXAMPLES of them for each container and each adapter.
EXAMPLES ?= 1000
fuzz: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 EHPSBENCH_FUZZ=$(EXAMPLES) $(BIN)/python -m pytest --quiet -m fuzz tests/fuzz

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	rm -rf build/lint && $(PIP) install --no-deps --no-build-isolation --target build/lint .
	cd build/lint && MYPYPATH=. ../../$(BIN)/python -m mypy --config-file ../../pyproject.toml -p ehpsbench

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf build dist $(VENV)
