# Every target sets up .venv by itself, from requirements.lock; Python >= 3.11 and make are all it needs.

.PHONY: up test browser servers lint format bench environment

# make up ARGS="--port-base 9100 --no-demo"
up: environment
	@exec .venv/bin/leadflow up $(ARGS)

# make test ARGS="tests/unit -k opt_out"
test: environment
	.venv/bin/pytest $(ARGS)

# The pages of capture in a real Chromium, which `apt-get install chromium` brings.
browser: environment
	.venv/bin/pytest tests/browser $(ARGS)

# A Kafka and a Postgres that stay up between test runs, in a terminal of their own.
servers: environment
	@exec .venv/bin/python -m tests.servers

lint: environment
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

format: environment
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

bench: environment
	.venv/bin/python -m benchmarks $(ARGS)

environment:
	@deploy/local/environment.sh
