# The first screen of README.md says what these are for.
python := .venv/bin/python

.PHONY: setup demo serve check test bench chaos clean
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

bench: setup
	@$(python) -m bench

chaos: setup
	@$(python) -m tests.chaos

clean:
	rm -rf build .venv
