# make report   demo shop and its pages, in reports/              make test    everything that must hold
# make lab      JupyterLab on the demo shop                       make check   linters, types, layers only
# make bench    side-by-side measurements                         make clean   remove what was made here

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null)
BIN := .venv/bin
DEMO := data/demo
JOBS ?= auto

ifdef UV
  NEW_VENV := uv venv --quiet --allow-existing --python $(PYTHON) .venv
  INSTALL := uv pip install --quiet --python $(BIN)/python
else
  NEW_VENV := $(PYTHON) -m venv .venv
  INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

.PHONY: report test check units lab bench lock messages clean
.DEFAULT_GOAL := report

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit("ecops needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	@echo "making a virtual environment in .venv …"
	@$(NEW_VENV)
	@touch $@

.venv/run: .venv/made requirements.lock pyproject.toml
	@echo "installing ecops and its libraries (once; a few minutes on a slow line) …"
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --editable .
	@touch $@

.venv/dev: .venv/run requirements-dev.lock
	@echo "installing what the tests need (once) …"
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

report: .venv/run
	@test -f $(DEMO)/store.toml || $(BIN)/ecops demo $(DEMO)
	@for lang in zh en; do \
	  $(BIN)/ecops run daily_review --store $(DEMO) --out reports --lang $$lang && \
	  $(BIN)/ecops run period_review --store $(DEMO) --out reports --lang $$lang && \
	  $(BIN)/ecops run ab_test --store $(DEMO) --out reports --lang $$lang -p experiment=限时倒计时测试 && \
	  $(BIN)/ecops run ab_test --store $(DEMO) --out reports --lang $$lang -p experiment=主图测试 && \
	  $(BIN)/ecops run customer_segments --store $(DEMO) --out reports --lang $$lang && \
	  $(BIN)/ecops run supply_chain --store $(DEMO) --out reports --lang $$lang && \
	  $(BIN)/ecops run campaign_retro --store $(DEMO) --out reports --lang $$lang && \
	  $(BIN)/ecops run campaign_plan --store $(DEMO) --out reports --lang $$lang && \
	  $(BIN)/ecops run campaign_live --store $(DEMO) --out reports --lang $$lang && \
	  $(BIN)/ecops run competitor_analysis --store $(DEMO) --out reports --lang $$lang && \
	  $(BIN)/ecops run customer_feedback --store $(DEMO) --out reports --lang $$lang || exit 1; \
	done
	@echo "done: open reports/index.html"

check: .venv/dev
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

test: .venv/dev
	@$(MAKE) --no-print-directory --jobs 2 check units

units: .venv/dev
	@$(BIN)/python -m pytest -n $(JOBS)

lab: .venv/run
	@test -f $(DEMO)/store.toml || $(BIN)/ecops demo $(DEMO)
	@$(BIN)/ecops lab --store $(DEMO)

bench: .venv/dev
	@$(BIN)/python -m benchmarks

lock: .venv/made
	@uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header --no-emit-index-url pyproject.toml -o requirements.lock
	@uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header --no-emit-index-url --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

messages: .venv/dev
	@$(BIN)/python scripts/messages.py

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache $(DEMO)
	find reports -mindepth 1 ! -name README.md -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
