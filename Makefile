# Everything a developer types: make demo | test | check | test-deep | bench | install (and study, faults, dashboards, screenshots, accessible)
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
LINKED := $(VENV)/.linked
CLUSTER := .venv-cluster
TRIED := build/cluster
# A file stays with one worker: its tests share what they look at. Three workers on two cores: some wait for servers.
# The order is kept: by the number of tests, the slowest file would begin last.
TESTS := $(VENV)/bin/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --durations 20
PAGE := tests/dashboards
JUDGE := tests/cli/runs/report
SHOTS := build/screenshots
FLOORS := cli events grafana integrations operators pipeline sinks trainer
SOURCES := __init__.py $(shell find $(FLOORS) -name '*.py' -o -name '*.yaml' -o -name '*.json')

# Tests start Python some thousand times: each would compile all of Nissa, and rewrite each assertion, anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: cluster test-cluster help install demo study dashboards screenshots accessible test test-deep faults check fuzz bench sbom
help:
	@echo "make demo     set up, train for about a minute with telemetry on, show what came out"
	@echo "make test     set up, run the tests"
	@echo "make test-deep  mutants that try the checkers, hours of history, stories of alerts, trainers of others: slow"
	@echo "make faults   what Nissa promises, tried by faults of every sort: a table, within ten minutes"
	@echo "make check    ruff, mypy --strict, then the tests"
	@echo "make fuzz     feed readers and servers with what nobody meant"
	@echo "make bench    measure Nissa against the alternatives it names"
	@echo "make study    train longer: policies against hosts alone, of the same start and of the same size"
	@echo "make dashboards  write what is generated: dashboards, links of alerts, docs/metrics.md, docs/quantities.md, a table of docs/runbooks.md"
	@echo "make screenshots  draw the dashboards with Grafana's own components (needs npm, chromium, prometheus)"
	@echo "make accessible  judge a report by axe-core (needs npm, chromium)"
	@echo "make sbom     write what is installed as CycloneDX, and ask for its known weaknesses"
	@echo "make cluster  set up .venv-cluster, with Apache Flink (844 MB)"
	@echo "make test-cluster  try nissa cluster run by killing what it runs on: half an hour"
	@echo "make install  set up .venv only"

$(STAMP): pyproject.toml constraints.txt
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --constraint constraints.txt torch==2.13.0
	$(VENV)/bin/pip install --quiet --constraint constraints.txt --editable ".[dev,monitor,query,trainer]"
	touch $(STAMP)

# A strict editable install links each file, so a new file needs a new link.
$(LINKED): $(STAMP) $(SOURCES)
	$(VENV)/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(LINKED)

install: $(LINKED)

demo: install
	$(VENV)/bin/nissa demo

study: install
	$(VENV)/bin/nissa study

# What is generated from code: dashboards, links from alerts to panels, pages of metrics and quantities, a table.
dashboards: install
	$(VENV)/bin/python -m nissa.grafana.dashboards

# The dashboards over a demo, which is trained once; the README shows the first screens of some.
$(PAGE)/node_modules/.package-lock.json: $(PAGE)/package-lock.json
	cd $(PAGE) && npm ci

screenshots: install $(PAGE)/node_modules/.package-lock.json
	cd $(PAGE) && npm run build
	test -d $(SHOTS)/run || $(VENV)/bin/nissa demo --profile research --out $(SHOTS)/run
	$(VENV)/bin/python -m tests.dashboards.shoot $(SHOTS)/run --out $(SHOTS)
	for board in overview blueprints; do cp $(SHOTS)/nissa-$$board-top.png docs/images/$$board.png; done

# A report of the same demo, judged by axe-core.
$(JUDGE)/node_modules/.package-lock.json: $(JUDGE)/package-lock.json
	cd $(JUDGE) && npm ci

accessible: install $(JUDGE)/node_modules/.package-lock.json
	test -d $(SHOTS)/run || $(VENV)/bin/nissa demo --profile research --out $(SHOTS)/run
	$(VENV)/bin/python -m tests.cli.runs.report.judged $(SHOTS)/run

test: install
	$(TESTS)

# Mutants try the checkers and not the product, and histories are hours of samples.
test-deep: install
	$(TESTS) -m deep

# A hundredth of what docs/reliability.md counts; SHARE=1 is all of it, and takes hours.
fuzz: install
	$(VENV)/bin/pip install --quiet --constraint constraints.txt atheris
	$(VENV)/bin/python -m tests.fuzz --share $(or $(SHARE),0.01)

# LONG=--long makes each trial as often as docs/reliability.md says.
faults: install
	$(VENV)/bin/python -m tests.faults $(LONG)

check: install
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy -p nissa
	$(VENV)/bin/mypy tests
	$(MAKE) test

bench: install
	$(VENV)/bin/python -m tests.benchmarks

# Flink pins what nothing else here can live with: an environment of its own. It runs on Python 3.11 and 3.12 only.
$(CLUSTER)/.flink: constraints-cluster.txt
	command -v java >/dev/null || { echo "Flink needs Java 17: apt-get install openjdk-17-jre-headless"; exit 1; }
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13) and "Flink needs Python 3.11 or 3.12: make cluster PYTHON=python3.12")'
	test -x $(CLUSTER)/bin/python || $(PYTHON) -m venv $(CLUSTER)
	$(CLUSTER)/bin/pip install --quiet --constraint constraints-cluster.txt apache-flink
	touch $(CLUSTER)/.flink

$(CLUSTER)/.nissa: $(CLUSTER)/.flink pyproject.toml $(SOURCES)
	$(CLUSTER)/bin/pip install --quiet --constraint constraints-cluster.txt .
	touch $(CLUSTER)/.nissa

cluster: $(CLUSTER)/.nissa

# Kept in build/cluster: logs of all processes, and the table that docs/cluster.md shows.
test-cluster: install cluster
	test -d $(TRIED)/demo || $(VENV)/bin/nissa demo --no-color --out $(TRIED)/demo
	$(VENV)/bin/python -m tests.cluster --log $(TRIED)/demo > $(TRIED)/trials.md || { cat $(TRIED)/trials.md; exit 1; }
	$(VENV)/bin/python -m tests.cluster.measures $(TRIED)/demo > $(TRIED)/measures.md || { cat $(TRIED)/measures.md; exit 1; }
	cat $(TRIED)/trials.md $(TRIED)/measures.md

# With tools of their own, which nothing else needs.
sbom: install
	test -x $(AUDITING)/bin/pip-audit || { $(PYTHON) -m venv $(AUDITING) && $(AUDITING)/bin/pip install --quiet cyclonedx-bom pip-audit; }
	$(AUDITING)/bin/cyclonedx-py environment --output-reproducible --output-file build/sbom.json $(VENV)
	$(AUDITING)/bin/pip-audit --no-deps --disable-pip --requirement constraints.txt
