# Every target sets up .venv by itself, from requirements.lock; Python >= 3.11 and make are all it needs.

.PHONY: up test browser fuzz servers lint format bench environment sbom lock alerts kube compose keycloak

# make up ARGS="--port-base 9100 --no-demo"
up: environment
	@exec .venv/bin/leadflow up $(ARGS)

# All tests, shared among workers; make test ARGS="tests/unit -k opt_out": those, one after the other
test: environment
	.venv/bin/pytest $(or $(ARGS),-n auto)

# The pages of capture in a real Chromium, which `apt-get install chromium` brings.
browser: environment
	.venv/bin/pytest tests/browser $(ARGS)

# The APIs with tokens of a real Keycloak, which is fetched once (177 MB).
keycloak: environment
	.venv/bin/pytest tests/keycloak $(ARGS)

# A Kafka and a Postgres that stay up between test runs, in a terminal of their own.
servers: environment
	@exec .venv/bin/python -m tests.servers

# Requests made from the services' own OpenAPI descriptions: make fuzz ARGS="stages --role viewer --seconds 30"
fuzz: environment
	.venv/bin/python -m tests.fuzz_api $(ARGS)

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

# What the image contains, as CycloneDX: dist/leadflow.cdx.json.
sbom: environment
	@mkdir -p dist
	@$$(command -v uv || echo .leadflow/tools/bin/uv) tool run --quiet --from cyclonedx-bom==7.5.0 \
		cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml -o dist/leadflow.cdx.json deploy/requirements.lock
	@echo dist/leadflow.cdx.json

# The three locks: of everything, of what the image contains, and of what builds it.
lock:
	@deploy/lock.sh

# Each alert, tried where it fires and where it stays quiet. Needs promtool on the PATH (of Prometheus; Debian: the package prometheus), or Go, which
# builds it once, in a module of its own: `go run` refuses a module that replaces others.
PROMTOOL = $(HOME)/.cache/leadflow/promtool
alerts:
	@PATH="$$PATH:$(PROMTOOL)"; command -v promtool > /dev/null || (mkdir -p $(PROMTOOL) && cd $(PROMTOOL) \
	&& (test -f go.mod || go mod init promtool) && go get github.com/prometheus/prometheus/cmd/promtool@v0.313.2 \
	&& go build github.com/prometheus/prometheus/cmd/promtool); cd tests/chart && promtool test rules alerts.test.yaml

# The image and the chart in a real cluster, claim by claim: make kube ARGS="install load". What it needs: docs/operations/tried.md
kube: environment
	.venv/bin/python -m tests.kube $(ARGS)

# deploy/compose.yaml in a Docker engine, claim by claim. What it needs: docs/operations/tried.md
compose: environment
	.venv/bin/python -m tests.compose $(ARGS)
