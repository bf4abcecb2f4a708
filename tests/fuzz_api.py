"""`make fuzz`: schemathesis against the six running services, by their own OpenAPI descriptions, with every role.

It generates valid and invalid requests and sequences of them, and checks each answer against the description: status,
content type, schema, headers, no 5xx, no answer without a token. The services are a `leadflow up` of its own.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from deploy.local.identity import Identity
from shared.names import SERVICES
from tests.architecture.tree import ROOT
from tests.local_run import LocalRun, local_run

ROLES = ("admin", "operator", "reviewer", "viewer", "service", "nobody")
"""`nobody` sends no token."""

TENANT = "fuzz"

LEFT_OUT = (
    # Unknown fields of a body are ignored, and a contact detail that is not valid is a warning: by design.
    "negative_data_rejection",
    # A valid body may still meet a state or a rule that refuses it (a lead that does not exist, a second goal).
    "positive_data_acceptance",
    # It takes any 404 after a creation for a loss, also of another resource that the request names.
    "ensure_resource_availability",
)


def main() -> None:
    """Start the services, and try each with each role; exit status 1 when an answer differs from its description."""
    options = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    options.add_argument("services", nargs="*", default=list(SERVICES), metavar="SERVICE")
    options.add_argument("--role", choices=ROLES, action="append", help="one or several; all of them by default")
    options.add_argument("--seconds", type=int, default=60, help="for each service and role (default: 60)")
    options.add_argument("--seed", type=int, help="repeats a run")
    chosen = options.parse_args()
    if unknown := set(chosen.services) - set(SERVICES):
        options.error(f"{', '.join(sorted(unknown))}: the services are {', '.join(SERVICES)}")
    with local_run() as run:
        run.up(180)
        _prepare(run)
        failed = [
            f"{service} as {role}"
            for service in chosen.services
            for role in chosen.role or ROLES
            if not _passes(run, service, role, chosen.seconds, chosen.seed)
        ]
    sys.exit(f"answers differ from their description: {', '.join(failed)}" if failed else 0)


def _prepare(run: LocalRun) -> None:
    """Leads of the tenant, so that ids that exist can be guessed from lists."""
    leads = [
        {"source": "fuzz", "external_id": str(n), "email": f"lead-{n}@example.org", "first_name": "Ada", "company": "X"}
        for n in range(20)
    ]
    run.client("capture", TENANT, "operator").post("/v1/leads/batch", json={"leads": leads}).raise_for_status()


def _passes(run: LocalRun, service: str, role: str, seconds: int, seed: int | None) -> bool:
    print(f"== {service} as {role}", flush=True)
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{run.record.services[service].url}/openapi.json",
        "--continue-on-failure",
        "--no-shrink",
        "--suppress-health-check=all",
        "--warnings=off",
        f"--max-time={seconds}",
        # A thousand items in one request take their time on a busy machine.
        "--request-timeout=60",
        f"--exclude-checks={','.join(LEFT_OUT)}",
    ]
    if role != "nobody":
        token = Identity(run.data).sign_token(TENANT, (role,), "fuzz", ttl=86_400)
        command.append(f"--header=Authorization: Bearer {token}")
    if seed is not None:
        command.append(f"--seed={seed}")
    told = {"SCHEMATHESIS_HOOKS": "tests.fuzz_hooks", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=run.data, check=False, env={**os.environ, **told}).returncode == 0


if __name__ == "__main__":
    main()
