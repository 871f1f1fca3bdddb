# `make help` lists what there is. Needs make and Python 3.11 or later; the rest is installed into .venv.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8001
VENV := .venv
BIN := $(VENV)/bin

# Installs Debian packages where we may (as root), else says what to type.
apt_install = if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends $(1) >/dev/null; \
	else echo "Missing packages, please install them: apt install $(1)"; fi

.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs bench clean system-packages

help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | \
		while IFS="$$(printf '\t')" read -r target text; do printf '  make %-8s %s\n' "$$target" "$$text"; done

demo: $(VENV)/installed $(if $(SOURCE),,build/demo/rebuilderd.db) ## Publish the sample, or your own: make demo SOURCE=<url or file>
	@$(BIN)/rebuilderd-datasette ingest reproducibility.db \
		$(if $(SOURCE),'$(SOURCE)' $(if $(NAME),--name '$(NAME)') $(if $(RELEASE),--release '$(RELEASE)'),build/demo/rebuilderd.db --name demo)
	@exec $(BIN)/datasette . --host $(HOST) --port $(PORT)

test: system-packages $(VENV)/installed-tools ## Run everything that CI runs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict ingest
	$(BIN)/pytest -m alone
	$(BIN)/pytest -m 'not alone' --numprocesses auto --dist loadfile

lint: $(VENV)/installed-tools ## Run ruff and mypy only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict ingest

format: $(VENV)/installed-tools ## Let ruff format and fix what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/installed-tools ## Write the commands' help into the docs
	$(BIN)/cog -r README.md docs/*.md

bench: $(VENV)/installed-tools ## Measure ingest, API and pages: make bench DATABASE=<a large rebuilderd.db>
	@test -n "$(DATABASE)" || { echo "Name a rebuilder's database: make bench DATABASE=<file>"; exit 2; }
	@command -v sqlite3 >/dev/null || { $(call apt_install,sqlite3); }
	$(BIN)/python benchmarks/run.py --database '$(DATABASE)' --write
	$(BIN)/python benchmarks/over_http.py '$(DATABASE)' --write
	$(BIN)/python benchmarks/categorise.py '$(DATABASE)' --write
	$(BIN)/python benchmarks/measurements.py '$(DATABASE)' --write
	$(BIN)/python benchmarks/api.py --database '$(DATABASE)' --write
	$(BIN)/python benchmarks/pages.py '$(DATABASE)' --write

clean: ## Remove what was installed and built, no database of yours
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Tests drive Debian's Chromium; the program between, which Playwright brings, needs libatomic.
system-packages:
	@{ command -v chromium && PATH=$$PATH:/sbin ldconfig -p | grep 'libatomic\.so\.1'; } >/dev/null || \
		{ $(call apt_install,chromium fonts-dejavu-core libatomic1); } || \
		echo "Without chromium the tests in a browser do not run."
	@command -v systemd-analyze >/dev/null || { $(call apt_install,systemd); } || \
		echo "Without systemd-analyze the units are not verified."
	@{ PATH=$$PATH:/usr/sbin command -v nginx && command -v openssl; } >/dev/null || \
		{ $(call apt_install,nginx openssl); } || \
		echo "Without nginx and openssl the site for nginx is not tried."

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { $(call apt_install,python3 python3-venv); }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed. If you have one beside $(PYTHON), name it: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(call apt_install,python3-venv); }
	$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/installed: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/installed-tools: $(VENV)/installed
	$(BIN)/pip install --quiet --group test --group lint --group docs
	@touch $@

build/demo/rebuilderd.db: demo/rebuilderd.db.zst | $(VENV)/installed
	@mkdir -p $(@D)
	@$(BIN)/python -c 'import sys, zstandard; zstandard.ZstdDecompressor().copy_stream(sys.stdin.buffer, sys.stdout.buffer)' <$< >$@.part
	@mv $@.part $@
