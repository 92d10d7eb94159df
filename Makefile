# Two commands do everything: `make demo` shows the product, `make test` checks a change.
.DEFAULT_GOAL := help
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.PHONY: help setup setup-demo tools demo engines firmware fuzz test check unit test-tflite-runtime test-training chaos cluster containers bench train screenshots lock clean

PY := .venv/bin/python
# tflite-runtime ends at Python 3.11.
PYTHON311 ?= $(shell for p in python3.11 python3; do $$p -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

help: ## Say what can be made
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/\1\t\2/' | expand -t 24

setup: ## Create .venv and find or install Mosquitto
	@requirements/install.sh .venv dev
	@broker/install.sh

setup-demo: ## As setup, but only what the demo and a site need
	@requirements/install.sh .venv demo
	@broker/install.sh

demo: setup-demo ## Run the main job here: broker, worker, API, a stethoscope (ARGS="file.wav" or --firmware, DEMO_ONCE=1)
	$(if $(findstring --firmware,$(ARGS)),@firmware/install.sh)
	@$(PY) -m simulator demo $(ARGS)

# Half of the work runs beside the other half, in a process group of its own, so that Ctrl-C ends it, too. The last line
# is pytest's, of the main environment.
test: setup tools ## Check format, lint, types, imports; run all tests
	@mkdir -p build && rm -f build/*.log
	@set -m; $(MAKE) --keep-going test-training firmware fuzz engines SECONDS=60 >build/beside.log 2>&1 & beside=$$!; set +m; \
	trap 'kill -- -$$beside 2>/dev/null' EXIT; \
	$(MAKE) check test-tflite-runtime unit ARGS="$(ENGINE_TESTS:%=--ignore %)"; status=$$?; \
	echo "waiting for the tests of training, firmware and engines"; \
	wait $$beside || { status=1; cat build/beside.log; }; \
	grep -E "^SKIPPED|(passed|failed|error).* in " build/beside.log | sed "s/^/beside: /"; \
	[ ! -e build/unit.log ] || tail -n 1 build/unit.log; \
	exit $$status

tools: # What tests need beside Python: a browser, PostgreSQL, compilers, emulators
	@tests/install_chromium.sh
	@tests/install_postgresql.sh
	@firmware/install.sh all

check: setup ## Format, lint, types, import rules
	$(PY) -m ruff format --check --quiet .
	$(PY) -m ruff check --quiet .
	$(PY) -m mypy
	.venv/bin/lint-imports

unit: setup tools ## All tests of the main environment but the firmware's (ARGS="-k chunk")
	@mkdir -p build
	@set -o pipefail; $(PY) -m pytest -m "not training" --ignore tests/firmware $(ARGS) 2>&1 | tee build/unit.log

# Tests that wait for brokers, databases and stores more than they compute.
ENGINE_TESTS = tests/audio_store tests/bench tests/broker tests/deploy tests/postgresql

engines: setup tools # The part of `unit` that `make test` runs beside the rest
	$(PY) -m pytest -p no:cacheprovider $(ENGINE_TESTS)

firmware: setup tools ## The stethoscope's firmware: build it, run its tests on host and emulators (ARGS="-k gate")
	$(PY) -m pytest -p no:cacheprovider tests/firmware $(ARGS)

# Seven readers of the Python programs and eleven of the firmware: each has its share of the time.
FUZZ_EACH_S = $(shell expr $(or $(SECONDS),600) / 18)

fuzz: setup ## Feed every reader what nobody expects, guided by coverage (SECONDS=600 in all)
	@if requirements/install.sh .venv-fuzz fuzz; then tests/fuzz/fuzz.sh .venv-fuzz/bin/python $(FUZZ_EACH_S); \
	else echo "SKIPPED: fuzzing of the Python readers (atheris has wheels for x86-64 Linux; elsewhere it needs clang)"; fi
	@firmware/install.sh all
	firmware/tests/fuzz.sh $(FUZZ_EACH_S)

test-tflite-runtime: ## The classifier on the runtime that the design names (Python 3.11 only)
ifneq ($(PYTHON311),)
	@requirements/install.sh .venv-tflite-runtime tflite-runtime $(PYTHON311)
	.venv-tflite-runtime/bin/python -c "from edge_worker.inference.interpreter import runtime_name as name; print(name()); assert name().startswith('tflite-runtime')"
	.venv-tflite-runtime/bin/python -m pytest --noconftest -p no:cacheprovider --quiet tests/edge_worker/inference/test_classifier.py tests/edge_worker/inference/test_heart_segmenter.py
else
	@echo "SKIPPED: the classifier on tflite-runtime 2.14 (it needs Python 3.11, which is not here)"
endif

test-training: ## Training in its short form, with TensorFlow
	@requirements/install.sh .venv-training training
	.venv-training/bin/python -m pytest -p no:cacheprovider --quiet -m training tests/models_tflite

chaos: setup ## Faults, floods and kills at random against a site, and what its neighbours lose (SECONDS=120, ARGS="--list")
	@mkdir -p build
	$(PY) -m bench.chaos --json build/chaos.json $(ARGS)
	$(if $(ARGS),,STETHO_CHAOS_S=$(or $(SECONDS),120) $(PY) -m pytest -q tests/test_chaos.py)

cluster: setup ## Kill and stop parts of a site of several workers, and count what is lost (SECONDS=120, ARGS="--seed 7")
	@mkdir -p build
	@tests/install_postgresql.sh
	$(PY) -m bench.cluster --seconds $(or $(SECONDS),120) --json build/cluster.json $(ARGS)

containers: setup ## Build all images and run the site of docker-compose.yml, on an engine that is found or made (ARGS="-k heart")
	@tests/deploy/containers.sh $(ARGS)

bench: setup ## Measure against named baselines; prints a table, writes bench/results.json
	@tests/install_chromium.sh
	@tests/install_postgresql.sh
	@requirements/install.sh .venv-training training
	.venv-training/bin/python -m bench $(ARGS)

train: ## Train a model (MODEL=heart2 DATA=../shared/datasets)
	@requirements/install.sh .venv-training training
	.venv-training/bin/python -m models_tflite.training $(MODEL) --data $(or $(DATA),../shared/datasets) $(ARGS)

screenshots: setup tools ## Renew the pictures in docs/images: a site, seen in a browser, and its reports
	PYTHONPATH=. $(PY) tests/history_api/dashboard/screenshots.py

LOCK = $(PY) -m uv pip compile --quiet --generate-hashes --custom-compile-command "make lock" --python-version 3.11
lock_of = $(LOCK) --universal pyproject.toml $(2) -o requirements/$(1).txt

lock: setup ## Resolve the dependencies of pyproject.toml anew, into requirements/
	$(call lock_of,worker,--extra worker --extra s3 --extra postgresql)
	$(call lock_of,api,--extra api --extra s3 --extra postgresql)
	$(call lock_of,broker,--extra broker)
	$(call lock_of,nats,--extra nats)
	$(call lock_of,notify,--extra notify)
	$(call lock_of,microphone,--extra microphone)
	$(call lock_of,demo,--extra demo)
	$(call lock_of,build,--group build)
	$(call lock_of,dev,--extra demo --extra nats --extra notify --extra postgresql --extra s3 --extra evaluation --group dev)
	$(call lock_of,fuzz,--extra demo --group fuzz)
	$(call lock_of,trainer,--extra training --extra s3 --extra postgresql)
	$(call lock_of,training,--extra demo --extra postgresql --extra s3 --extra training --group dev)
	$(LOCK) requirements/tflite-runtime.in -o requirements/tflite-runtime.txt

clean: ## Remove environments and caches
	rm -rf firmware/build firmware/idf/build build/engine .venv .venv-* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
