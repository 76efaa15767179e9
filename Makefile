# Two commands do everything, set-up included: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: demo test check setup clean

demo: setup  ## record, learn, hand off, run unattended; writes runs/demo/report.html
	$(BIN)/casepilot demo $(ARGS)

test: setup check  ## style, types, import contracts, unit and browser tests
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: $(VENV)/.installed
	@.ci/browser $(BIN)/playwright

$(VENV)/.installed: pyproject.toml requirements.lock
	@.ci/venv "$(PYTHON)" $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock -e ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV) runs models
