# smsgate: every target sets up what it needs in .venv; only Python 3.11 (or later) and make are expected on the machine.
PYTHON ?= python3
BIN := .venv/bin
ONCE ?=
DATA ?= ../shared/data

.PHONY: demo test check format image interop bypass-matrix docs detection load latency fairness flood soak limits lists help clean

demo: .venv/.runtime  ## simulated SMSC, smsgate and a sender with sample traffic; ONCE=1 ends by itself
	@$(BIN)/smsgate demo $(if $(ONCE),--once)

test: check  ## what CI runs

check: .venv/.dev  ## the whole gate: lint, types, import contracts, tests, the packs' examples
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/smsgate check rules $(addprefix --popular ,$(wildcard $(DATA)/lists/popular_domains.txt))
	$(BIN)/pytest

format: .venv/.dev  ## what ruff can put right by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

interop: .venv/.interop  ## the gate with other SMPP stacks; Kannel and tshark come from Debian: apt-get install kannel tshark
	$(BIN)/pytest tests/interop

image:  ## the container image that tests/test_deploy_container.py runs; as root: apt-get install podman runc debootstrap
	tests/container.sh

bypass-matrix: .venv/.dev  ## docs/bypass-matrix.md: every known way of carrying a text, and what comes of it
	$(BIN)/python -m tests.bypass

load: .venv/.dev  ## the load table of load_tests/results/, measured on this machine
	$(BIN)/python -m load_tests

detection: .venv/.dev  ## docs/detection.md: what the packs find in real messages, which lie beside the checkout (DATA=folder)
	$(BIN)/python -m load_tests.detection --data $(DATA)

docs: .venv/.dev  ## what is written out of the code: the metrics reference, the dashboard, the schemas for editors, what commands print
	$(BIN)/python -m smsgate.config.schema
	$(BIN)/python -m smsgate.telemetry.families > docs/metrics.md
	$(BIN)/python -m deploy.grafana.dashboard > deploy/grafana/dashboard.json
	$(BIN)/python -m tests.pages

fairness: .venv/.dev  ## what four floods cost a neighbour that sends one message at a time
	$(BIN)/python -m load_tests fairness

flood: .venv/.dev  ## memory of the gate under a blocked flood that never reads
	$(BIN)/python -m load_tests flood

latency: .venv/.dev  ## what the gate adds to the time to an answer, at 20, 50 and 80 % of what it carries
	$(BIN)/python -m load_tests latency

soak: .venv/.dev  ## a million messages, and the memory of the gate all the while
	$(BIN)/python -m load_tests soak

limits: .venv/.dev  ## what limits cost, and how exact they are where processes share them
	$(BIN)/python -m load_tests limits

lists: .venv/.dev  ## a list of a million domains: loading, looking up, memory
	$(BIN)/python -m load_tests lists

help:  ## these lines
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' Makefile | expand -t 16

clean:  ## remove .venv
	rm -rf .venv

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.runtime: pyproject.toml | .venv/bin/python
	@echo "Installing smsgate into .venv (once)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/.dev: pyproject.toml | .venv/bin/python
	@echo "Installing smsgate and its development tools into .venv (once)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ .venv/.runtime

.venv/.interop: tests/interop/package-lock.json .venv/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check smpp34==1.5.0
	npm ci --prefix tests/interop --no-audit --no-fund --loglevel=error
	@touch $@
