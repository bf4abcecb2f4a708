"""Names that several packages need: the services, in the order of the pipeline, and the parts that each can run as."""

SERVICES = ("capture", "enrichment", "scoring", "stages", "outreach", "goals")

PARTS = ("api", "consumers", "workers")
"""A process runs a whole service, or with `--only` one of these parts of it."""


def group_of(service: str) -> str:
    """The Kafka consumer group of a service, unless `LEADFLOW_<SERVICE>_CONSUMER_GROUP` names another."""
    return f"leadflow-{service}"
