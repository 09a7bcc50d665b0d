# `make demo` shows everything running, `make test` proves it; both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODES ?= 3
DURATION ?= 0
JOBS ?= 3
MINUTES ?= 10
CASES ?= 100000
LAB ?= /var/tmp/cmzsb-systemd-lab
SUITES ?= bookworm trixie
JSON ?= bench-results.json

.PHONY: help setup packages demo test unit test-pythons test-rays systemd-lab lint bench figures soak fuzz generate images audit clean

help:
	@echo "make demo [NODES=3] [DURATION=0]  run the whole product on a local Ray cluster (0: until Ctrl-C; GRAFANA=off)"
	@echo "make test [JOBS=3]                lint, types and every test, with the real servers"
	@echo "make unit                         the tests that need no server and no browser: under a minute"
	@echo "make test-rays [RAYS=2.9.3,…]     bridge and cmzsb-deploy on real clusters of the oldest, a middle and the newest Ray"
	@echo "make systemd-lab [SUITES=...]     as root: boot a real systemd and try units and installer in it"
	@echo "make test-pythons                 the node's tests under every Python from 3.9 to 3.13 that is here"
	@echo "make lint                         ruff and mypy only"
	@echo "make bench [ONLY=name]            measure every figure beside its baseline, to bench-results.json"
	@echo "make soak [MINUTES=10]            random faults under load, then a verdict; then the wall's memory in a browser"
	@echo "make fuzz [CASES=100000]          odd requests, replies and reports"
	@echo "make figures                      measure again what docs/benchmarks.md shows"
	@echo "make generate                     rebuild the generated files: dashboards, containers' configuration, docs/alerts.md"
	@echo "make images                       build and run the container images without an engine (as root)"
	@echo "make audit                        look for known vulnerabilities of what is installed"
	@echo "make setup                        only install what the others need"

setup: packages $(VENV)/.complete

packages:
	@PYTHON=$(PYTHON) scripts/setup.sh packages

$(VENV)/.complete: pyproject.toml scripts/setup.sh | packages
	@scripts/setup.sh venv $(PYTHON)
	@touch $@

demo: setup
	@$(BIN)/python -m demo --nodes $(NODES) --duration $(DURATION)

test: setup lint
	$(BIN)/python -m testkit.second_run --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder --durations 15

unit: setup
	CASES=1000 $(BIN)/python -m pytest --numprocesses $(JOBS) -m "not servers"

systemd-lab: setup
	tests/systemd/lab/prepare.sh $(LAB) $(SUITES)
	CMZSB_SYSTEMD_LAB=$(LAB) SUITES="$(SUITES)" $(BIN)/python -m pytest tests/systemd/lab --timeout 900 --durations 10
test-pythons: setup
	$(BIN)/python -m testkit.node_tests

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-rays: setup
	CMZSB_RAYS_ONLY=$(RAYS) $(BIN)/python -m tests.rays

bench: setup
	@PYTHON=$(PYTHON) scripts/setup.sh packages bench
	@$(BIN)/python -m bench --json $(JSON) $(if $(ONLY),--only $(ONLY))

figures:
	-@$(MAKE) --no-print-directory bench JSON=docs/figures.json
	@$(BIN)/python -m bench --docs

soak: setup
	@$(BIN)/python -m tests.soak --minutes $(MINUTES)
	@$(BIN)/python -m bench.wall_in_browser --minutes $(MINUTES)

fuzz: setup
	CASES=$(CASES) $(BIN)/python -m pytest tests/fuzz --timeout 3600

generate: setup
	$(BIN)/python -m grafana --out grafana/dashboards --lang all
	$(BIN)/python -m containers
	$(BIN)/python -m testkit.alert_page

images: setup
	@PYTHON=$(PYTHON) scripts/setup.sh packages images
	IMAGES=1 $(BIN)/python -m pytest tests/containers/test_image.py

audit: setup
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/pip-audit --skip-editable

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
