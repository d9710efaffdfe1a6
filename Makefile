# Every target sets up what it needs; a second run finds it there and starts at once.
#
#   make run     the server with one real training job (simpletuner quickstart)
#   make test    every test, small counts; ARGS="-k name" picks some
#   make exam    the same tests with the full counts
#   make lint    ruff and mypy
#   make bench   the speed budget, as ratios to a bare Flask app
#   make docs    refresh the generated tables in the README files

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
.DELETE_ON_ERROR:
.PHONY: run test exam lint bench docs services

# Tests start many servers: without compiled modules each start costs a second more.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 4
ARGS ?=
# Tests drive real servers, browsers and kills: what fails is tried again, and counted as rerun in
# the closing line, so that a busy machine is told apart from a broken product.
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --reruns 2 -rfERs

run: $(VENV)/.ready
	exec $(BIN)/simpletuner quickstart $(ARGS)

test: $(VENV)/.ready-test services
	exec $(PYTEST) $(ARGS)

exam: $(VENV)/.ready-test services
	exec env ST_EXAM=1 $(PYTEST) $(ARGS)

lint: $(VENV)/.ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.ready-test
	exec $(BIN)/flask st bench $(ARGS)

docs: $(VENV)/.ready-test
	exec $(BIN)/flask st docs $(ARGS)

services: $(VENV)/.ready-test
	bash tests/testbed/install.sh

# uv installs in two seconds what takes pip half a minute; where it is not to be had, pip does it.
define install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv || true
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '$(1)' \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '$(1)'
endef

$(VENV)/.ready: pyproject.toml | $(BIN)/pip
	echo "Installing the server into $(VENV) ..." >&2
	$(call install,.)
	touch $@

$(VENV)/.ready-test: pyproject.toml | $(BIN)/pip
	echo "Installing the server and its test tools into $(VENV) ..." >&2
	$(call install,.[test])
	touch $@ $(VENV)/.ready

$(BIN)/pip:
	python=
	for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
	    python=$$candidate
	    break
	  fi
	done
	if [ -z "$$python" ]; then
	  echo "Python 3.11 or newer is needed and none was found. On Debian 12 and Ubuntu 24.04:" \
	    "apt-get install python3 python3-venv" >&2
	  exit 1
	fi
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then
	  version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
	  bash tests/testbed/apt.sh "python$$version-venv"
	fi
	"$$python" -m venv --clear $(VENV)
