# Every target sets itself up: it needs Python >= 3.11, git and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null || echo $(BIN)/uv)
READY := $(VENV)/.ready
# A company's own certificate authority is in the system's store, not in uv's (two names of one switch).
export UV_SYSTEM_CERTS = 1
export UV_NATIVE_TLS = 1

.PHONY: demo test check format lint types contracts coverage bench samples findings upstream messages help

help: ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(READY): pyproject.toml uv.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@command -v uv >/dev/null 2>&1 || test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) sync --locked --quiet --all-extras --inexact --active
	@touch $@

demo: $(READY) ## play the seed's story against the sandbox, and open the trace
	@$(BIN)/python -m samples.demo

test: $(READY) ## run the tests
	@$(BIN)/python -m pytest -q -n 2

check: format lint types contracts coverage ## what CI runs, with `make upstream`

format: $(READY)
	@$(BIN)/ruff format --check .

lint: $(READY)
	@$(BIN)/ruff check .

types: $(READY)
	@$(BIN)/mypy

contracts: $(READY)
	@$(BIN)/lint-imports

coverage: $(READY)
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest -q -n 2
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report --skip-covered

bench: $(READY) ## timings against baselines in the same run, as tables
	@$(BIN)/python -m tests.bench

samples: $(READY) ## record samples/sessions anew
	@$(BIN)/python -m samples.record

findings: $(READY) ## the fault corpus and its confusion table
	@$(BIN)/python -m samples.corpus

upstream: $(READY) ## other people's test suites with our hooks installed
	@$(BIN)/python -m tests.upstream

messages: $(READY) ## compile the gettext catalogues
	@$(BIN)/python -m tests.support.messages
