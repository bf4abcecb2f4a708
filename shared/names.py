"""Names that several packages need: the services, in the order of the pipeline, the parts that each can run as, the
roles of callers, what a tenant may be called, and how a service is named at the database and at the broker."""

import re
from functools import lru_cache

DESCRIPTIONS = {
    "capture": "Takes leads from any source, normalises and deduplicates them, and keeps their identity and consent.",
    "enrichment": "Adds facts about the company and the person to each lead, each with its source and age.",
    "scoring": "Scores leads by fit, intent and engagement with the tenant's model, and explains every point.",
    "stages": "Moves leads through their journey by rules, and serves the lead queue and the timeline.",
    "outreach": "Drafts messages, holds them until a human approves, sends them once, and reads the replies.",
    "goals": "Counts leads and meetings towards the tenant's goals, live, and reports each closed period.",
}
"""What each service does, in one sentence."""

SERVICES = tuple(DESCRIPTIONS)

PARTS = ("api", "consumers", "workers")
"""A process runs a whole service, or with `--only` one of these parts of it."""

RANKED_ROLES = ("viewer", "reviewer", "operator", "admin")
"""The roles of people, each of which includes the one before it."""

ROLES = (*RANKED_ROLES, "service")
"""Every role that a token may carry. `service` is that of a machine, and includes no other."""

TENANT_FORM = "[a-z0-9][a-z0-9-]{0,62}"
"""The regular expression of a tenant's name: one label of a host name (RFC 1035)."""

_TENANT = re.compile(TENANT_FORM)


@lru_cache(maxsize=1_000)
def is_tenant(name: str) -> bool:
    """Whether this may be the name of a tenant."""
    return _TENANT.fullmatch(name) is not None


def database_roles(service: str) -> tuple[str, str]:
    """The roles by which a service uses its database: that of the API, and that of consumers and workers."""
    return f"leadflow_{service}_app", f"leadflow_{service}_worker"


def group_of(service: str) -> str:
    """The Kafka consumer group of a service, unless `LEADFLOW_<SERVICE>_CONSUMER_GROUP` names another."""
    return f"leadflow-{service}"
