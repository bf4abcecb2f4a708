"""Kafka by tokens of a real Keycloak: OAUTHBEARER by client credentials, over TLS, under the catalogue's ACLs."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from deploy.errors import MigrationError
from deploy.topics import create_topics
from shared.events import CATALOGUE
from shared.messaging.connection import Kafka, KafkaSecurity
from tests.integration.platform.secured import Secured, secured_kafka
from tests.keycloak.realm import REALM, SECRET
from tests.keycloak.server import Keycloak


@pytest.fixture(scope="module")
def secured(issuer: Keycloak) -> Iterator[Secured]:
    """A broker that believes Keycloak, and knows a client by its id."""
    jwks = f"{issuer.issuer(REALM)}/protocol/openid-connect/certs"
    with TemporaryDirectory(prefix="leadflow-kafka-") as folder, secured_kafka(Path(folder), jwks, "azp") as made:
        yield made


def by_token(secured: Secured, issuer: Keycloak, client: str, secret: str = SECRET) -> KafkaSecurity:
    return secured.security(
        "migrate",
        "OAUTHBEARER",
        oauth_token_url=f"{issuer.issuer(REALM)}/protocol/openid-connect/token",
        oauth_client_id=client,
        oauth_client_secret=secret,
    )


async def test_a_client_comes_in_as_a_principal_of_the_catalogue(secured: Secured, issuer: Keycloak) -> None:
    created = await create_topics(Kafka(secured.sasl, by_token(secured, issuer, "leadflow-migrate")))
    assert set(created) == set(CATALOGUE)


@pytest.mark.parametrize(
    ("client", "secret"),
    [("stranger", SECRET), ("website", SECRET), ("leadflow-migrate", "a secret word")],
    ids=["without rights", "for another audience", "with a wrong secret"],
)
async def test_a_client_that_may_not_is_refused_in_one_line(
    secured: Secured, issuer: Keycloak, client: str, secret: str
) -> None:
    with pytest.raises(MigrationError) as refused:
        await create_topics(Kafka(secured.sasl, by_token(secured, issuer, client, secret)))
    assert "\n" not in str(refused.value)
    assert secret not in str(refused.value)
