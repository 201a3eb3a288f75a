# make demo    a peak day of the sample station        make check   lint, types, walls, docs
# make test    every test this machine can run         make bench   speed and start accuracy
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test test-live test-computing check bench dropouts docs pictures messages lock clean simulate kills powercuts

setup: .venv/ready

# pip fills the environment from outside, so that a Debian without python3-venv's ensurepip will do.
.venv/ready: pyproject.toml requirements.lock compile_catalogues.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "broadcaster cần Python 3.11 trở lên / needs Python 3.11 or later: make PYTHON=python3.11 setup")'
	$(PYTHON) -m venv --clear --without-pip .venv
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check -r requirements.lock
	$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	$(BIN)/python -m compileall -q broadcaster
	@touch $@

CATALOGUES := $(wildcard broadcaster/locale/*/LC_MESSAGES/*.po)
$(CATALOGUES:.po=.mo): $(CATALOGUES) | setup
	$(BIN)/python compile_catalogues.py

demo: setup $(CATALOGUES:.po=.mo)
	$(BIN)/broadcaster demo

# Two runs at once: real processes in real time, the longest first, and what only computes, which yields.
LIVE := $(addprefix tests/,fleet/test_line.py web test_real_daemon.py fleet/test_province.py \
	fleet/test_wire.py test_relay.py edges/test_sink.py test_hearing.py \
	cli/test_alert.py test_daemon.py edges/test_control.py fleet/test_speakers.py \
	edges/test_voice.py edges/test_sandbox.py edges/test_listener.py)
PYTEST = $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder --numprocesses

test: setup $(CATALOGUES:.po=.mo)
	$(MAKE) --no-print-directory --jobs=2 test-live test-computing

test-live:
	$(PYTEST) auto $(LIVE)

test-computing:
	nice $(PYTEST) auto tests/test_power.py tests $(addprefix --ignore=,$(LIVE))

check: setup $(CATALOGUES:.po=.mo)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/messages.py --check
	$(BIN)/python tools/reference.py --check

# Ten minutes of sound with every core busy; SECONDS=… for another length.
dropouts: setup
	$(BIN)/python tools/dropouts.py $(SECONDS)

# Pictures of the page for docs/, taken by its tests
pictures: setup
	BROADCASTER_PICTURES=docs/pictures $(BIN)/python -m pytest tests/web/test_page.py tests/web/test_stations.py
	rm docs/pictures/on-air.png docs/pictures/emergency-phone.png docs/pictures/phone.png

bench: setup
	$(BIN)/python benchmarks/run.py $(ONLY)

# The daemon killed at random instants, and heard: make kills N=1000 SEED=1
kills: setup
	$(BIN)/python -m tools.kills $(or $(N),1000) $(if $(SEED),--seed $(SEED))

# Disks as power cuts may leave them: make powercuts N=2000 SEED=1
powercuts: setup
	$(BIN)/python -m tools.powercuts $(or $(N),2000) $(if $(SEED),--seed $(SEED))

# Station-years of faults on a simulated machine: make simulate YEARS=1000 SEED=1
simulate: setup
	$(BIN)/python tools/simulate.py --years $(or $(YEARS),10) --seed $(or $(SEED),1) --jobs $(or $(JOBS),2)

docs: setup messages
	$(BIN)/python tools/reference.py

messages: setup
	$(BIN)/python tools/messages.py
	$(BIN)/python compile_catalogues.py

# Resolves the versions anew, for every Python from 3.11 on. Needs uv: pip install uv
lock:
	uv pip compile --universal --python-version 3.11 --group dev --generate-hashes --no-header \
		--quiet --output-file requirements.lock pyproject.toml

clean:
	rm -rf .venv var
