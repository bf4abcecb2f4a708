"""A real Kafka as a platform runs it: TLS, SASL by every mechanism, mutual TLS, and ACLs of the catalogue."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from deploy.local.identity import Identity
from deploy.local.kafka import Kafka as Broker
from deploy.local.ports import free_port
from shared.events.acls import PRINCIPALS, acls, principal_name
from shared.messaging.connection import KafkaSecurity
from tests.integration.platform.certificates import Authority

PASSWORD = "a pass,word=with %signs"

_VALIDATOR = "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"
_PROPERTIES = """
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},SASL://127.0.0.1:{sasl},MUTUAL://127.0.0.1:{mutual}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},SASL://127.0.0.1:{sasl},MUTUAL://127.0.0.1:{mutual}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_SSL,MUTUAL:SSL
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
listener.name.mutual.ssl.client.auth=required
listener.name.sasl.ssl.client.auth=none
ssl.principal.mapping.rules=RULE:^CN=([^,]+).*$/$1/
sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER
listener.name.sasl.sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {plain};
{oauth}.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
{oauth}.sasl.server.callback.handler.class={validator}
{oauth}.sasl.oauthbearer.jwks.endpoint.url={jwks}
{oauth}.sasl.oauthbearer.expected.audience=kafka
{oauth}.sasl.oauthbearer.sub.claim.name={claim}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""


@dataclass(frozen=True)
class Secured:
    """A broker with three doors: one without any lock for the test, one for SASL over TLS, one for certificates."""

    plain: str
    sasl: str
    mutual: str
    authority: Authority
    identity: Identity
    folder: Path

    def security(self, principal: str, mechanism: str = "SCRAM-SHA-512", **more: Any) -> KafkaSecurity:
        """How a principal of the catalogue comes in through the door for SASL."""
        by_password = {"username": principal_name(principal), "password": PASSWORD}
        settings: dict[str, Any] = {"security_protocol": "SASL_SSL", "ca_file": self.authority.file}
        settings |= {} if mechanism == "OAUTHBEARER" else by_password
        return KafkaSecurity(sasl_mechanism=mechanism, **settings | more)

    def set_password(self, principal: str, password: str) -> None:
        _set_passwords(AdminClient({"bootstrap.servers": self.plain}), [principal], password)


@contextmanager
def secured_kafka(folder: Path, jwks: str | None = None, claim: str = "sub") -> Iterator[Secured]:
    """Start it in `folder`, with a password for each principal and the ACLs that `leadflow migrate` prints.

    Tokens are those of the local identity, or of the issuer with these keys, which names the principal in `claim`.
    """
    authority, identity = Authority(folder, "kafka"), Identity(folder)
    jwks = jwks or identity.jwks_url
    keystore, _ = authority.issue("broker", "127.0.0.1", together=True)
    port, controller, sasl, mutual = (free_port() for _ in range(4))
    users = " ".join(f'user_{principal_name(principal)}="{PASSWORD}"' for principal in PRINCIPALS)
    broker = Broker(
        folder / "kafka",
        port,
        controller,
        properties=_PROPERTIES.format(
            port=port,
            controller=controller,
            sasl=sasl,
            mutual=mutual,
            keystore=keystore,
            truststore=authority.file,
            plain=users,
            jwks=jwks,
            claim=claim,
            oauth="listener.name.sasl.oauthbearer",
            validator=_VALIDATOR,
        ),
        java_options=[f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={jwks}"],
    )
    broker.start()
    try:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        _set_passwords(admin, PRINCIPALS, PASSWORD)
        bindings = [
            AclBinding(
                ResourceType.BROKER if acl.resource == "cluster" else ResourceType[acl.resource.upper()],
                acl.name,
                ResourcePatternType[acl.pattern.upper()],
                f"User:{principal_name(acl.principal)}",
                "*",
                AclOperation[_NAMES.get(operation, operation.upper())],
                AclPermissionType.ALLOW,
            )
            for acl in acls()
            for operation in acl.operations
        ]
        for future in admin.create_acls(bindings).values():
            future.result(20)
        yield Secured(broker.bootstrap, f"127.0.0.1:{sasl}", f"127.0.0.1:{mutual}", authority, identity, folder)
    finally:
        broker.kill()


_NAMES = {"DescribeConfigs": "DESCRIBE_CONFIGS", "IdempotentWrite": "IDEMPOTENT_WRITE"}


def _set_passwords(admin: AdminClient, principals: Any, password: str) -> None:
    for mechanism in (ScramMechanism.SCRAM_SHA_512, ScramMechanism.SCRAM_SHA_256):
        info = ScramCredentialInfo(mechanism, 4096)
        changes = [UserScramCredentialUpsertion(principal_name(name), info, password.encode()) for name in principals]
        for future in admin.alter_user_scram_credentials(changes).values():
            future.result(20)
