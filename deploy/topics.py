"""Creates missing Kafka topics. It may be repeated at any time."""

from aiokafka.admin import NewTopic
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from deploy.errors import kind_of
from shared.errors import LeadflowError
from shared.events.topics import PARTITIONS, SETTINGS
from shared.messaging.connection import Kafka

_NOT_MADE = (
    AuthenticationFailedError,
    SaslAuthenticationFailed,
    ClusterAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
"""No such user, or not with this password, or without its rights so far."""


async def create_topics(kafka: Kafka, partitions: int = PARTITIONS) -> list[str]:
    """Create every topic of the catalogue that is missing; returns their names. Three replicas where possible.

    All topics have the same number of partitions: that of the topics which are there, else `partitions`. Raises
    MigrationError when the broker does not answer or refuses a topic.
    """
    from shared.events.catalogue import CATALOGUE

    client = kafka.admin()
    try:
        await client.start()
        present = set(await client.list_topics()) & CATALOGUE.keys()
        if present:
            described = await client.describe_topics(sorted(present))
            partitions = max(len(topic["partitions"]) for topic in described)
        brokers = len((await client.describe_cluster())["brokers"])
        replicas = min(3, brokers)
        configs = {name: str(value) for name, value in SETTINGS.items()} | {
            "min.insync.replicas": str(max(1, replicas - 1))
        }
        missing = [name for name in CATALOGUE if name not in present]
        topics = [NewTopic(name, partitions, replicas, topic_configs=configs) for name in missing]
        if topics:
            answer = await client.create_topics(topics)
            for name, code, *detail in answer.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    refused = kind_of(for_code(code), not_made=_NOT_MADE)
                    raise refused(f"topic {name} could not be created: {for_code(code).__name__} {detail}")
        return missing
    except (OSError, KafkaError, LeadflowError) as error:
        refused = kind_of(type(error), unreachable=(KafkaConnectionError,), not_made=_NOT_MADE)
        raise refused(f"Kafka at {kafka.bootstrap} cannot be used: {kafka.explain(error)}") from error
    finally:
        await client.close()
