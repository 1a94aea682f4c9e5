# The words that people, the README and CI use. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BUILD := swift build -c release
TEST_FLAGS ?=

.PHONY: help run build static deb replay test test-swift test-python lint bench example-cdnow example-churn-model console-images fuzz clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

run: ## a broker, a generator, the server and a status line; Ctrl-C stops all of it
	deploy/install build
	$(BUILD) --product millrace
	@deploy/run-local

build: ## the release binary: .build/release/millrace
	deploy/install build
	$(BUILD) --product millrace

static: ## the release binary with Swift's libraries inside, for other machines: .build-static/release/millrace
	deploy/install package
	$(BUILD) --static-swift-stdlib --scratch-path .build-static --product millrace

deb: static ## a Debian package that installs the service: .build-static/millrace_*.deb
	deploy/package

replay: deb ## install, container, package and service in a fresh Debian, run as they would run there; as root
	deploy/replay/machine
	deploy/replay/container
	deploy/replay/package
	deploy/replay/service

test: test-swift test-python ## everything: unit, property, crash and end-to-end tests

test-swift: ## the tests in Swift, in the release configuration so that nothing is built twice
	deploy/install test
	@# Not `--build-tests`: that would also build the tools of our dependencies, protoc in C++ among them.
	$(BUILD) --product millracePackageTests
	swift test -c release --skip-build --disable-testable-imports $(TEST_FLAGS)

test-python: ## the tests of the running program: end to end, crash, clients, against an independent oracle
	deploy/install test
	$(BUILD) --product millrace
	$$(deploy/python Tests/Python/requirements.txt) -m pytest Tests/Python -q $(PYTEST_FLAGS)

lint: ## rules that tests hold: imports, links, names, file sizes
	deploy/lint

bench: ## the promises of docs/BENCHMARKS.md as ratios, measured in one run
	deploy/install bench
	$(MAKE) static
	MILLRACE=.build-static/release/millrace Benchmarks/run

example-cdnow: ## real purchases of 23,570 customers, checked value by value
	deploy/install test
	$(BUILD) --product millrace
	Examples/cdnow/run

example-churn-model: ## a LightGBM model, trained on an export and fed live lookups: identical predictions
	deploy/install test
	$(BUILD) --product millrace
	Examples/churn-model/run

console-images: ## the pictures of docs/CONSOLE.md, taken of a running server
	deploy/install test
	$(BUILD) --product millrace
	MILLRACE_CONSOLE_IMAGES=docs/images $$(deploy/python Tests/Python/requirements.txt) -m pytest Tests/Python/test_console.py -q -k pictures

fuzz: ## libFuzzer on each decoder, the row reader and what is parsed from the network; SECONDS_EACH (default 60)
	deploy/install test
	Tests/Fuzz/run $(or $(SECONDS_EACH),60)

clean: ## removes what was built or downloaded
	rm -rf .build .build-static .build-fuzz Benchmarks/.build .venv .venv-feast .venv-schemathesis .venv-deploy .venv-console .venv-compare .tools
