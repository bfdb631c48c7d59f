# The first screen of README.md says what these are for.
python := .venv/bin/python

.PHONY: setup demo serve check test infra checkov package envs conformance bench memory load chaos explore scale many clean
setup: build/.setup
build/.setup: requirements.txt requirements-cli.txt requirements-dev.txt constraints.txt scripts/setup.sh scripts/find_python.sh devhost/node/package.json devhost/node/package-lock.json
	@sh scripts/setup.sh

demo: setup
	@$(python) -m samples.flights.demo

serve: setup
	@$(python) -m samples.flights.serve

check: setup
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy

test: setup
	@$(python) -m pytest --cov

# The Bicep files; checkov is in a virtual environment of its own.
infra: checkov
	@$(python) -m pytest tests/infra

checkov: setup
	@sh scripts/make_env.sh checkov 3.13

# What is deployed, with what it is deployed with, runs the demo.
package: setup
	@$(python) -m tests.package

# Other people's clients and servers, each in a virtual environment of its own.
envs: setup
	@sh scripts/make_env.sh clients 3.13
	@sh scripts/make_env.sh mlflowserver 3.13
	@sh scripts/make_env.sh azmlserver 3.13

conformance: envs
	@$(python) -m tests.conformance

bench: envs
	@$(python) -m bench

memory: setup
	@$(python) -m bench.memory

load: setup
	@$(python) -m tests.load

chaos: setup
	@$(python) -m tests.chaos

explore: setup
	@$(python) -m tests.exploration
	@$(python) -m pytest -q tests/exploration/planted_defects.py

scale: setup
	@$(python) -m tests.scale
	@$(python) -m tests.scale --azurite

many: setup
	@$(python) -m tests.many_models

clean:
	rm -rf build .venv
