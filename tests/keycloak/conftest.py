"""Keycloak with a realm, and all of Leadflow with its settings for it."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from deploy.local.jars import FetchError
from deploy.local.process import StartError
from tests.keycloak.realm import REALM, SETTINGS, realm
from tests.keycloak.server import Keycloak, keycloak
from tests.local_run import LocalRun, local_run


@pytest.fixture(scope="package")
def issuer() -> Iterator[Keycloak]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(keycloak())
        except (FetchError, StartError) as error:
            pytest.fail(f"These tests need a Keycloak: {error}", pytrace=False)
        server.administer("POST", "", json=realm())
        yield server


@pytest.fixture(scope="package")
def system(issuer: Keycloak) -> Iterator[LocalRun]:
    """`leadflow up`, whose services trust the realm and nobody else."""
    with local_run() as run, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADFLOW_OIDC_ISSUER", issuer.issuer(REALM))
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        run.up(180)
        yield run
