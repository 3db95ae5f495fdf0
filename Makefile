# Everything here sets itself up: a virtual environment in .venv, packages pinned by constraints.txt.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := ehpsbench dataset_adapters metrics leaderboards reports tests benchmarks tools

.PHONY: demo test fuzz lint format clean

demo: $(VENV)/.installed
	$(BIN)/ehpsbench demo

test: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --quiet -n auto --dist loadfile

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
