"""Who may do what at the broker: derived from the tables of publishers and readers, for every tool that writes ACLs.

Least privilege: a service reads its topics in its own group, writes what it publishes, and reads that back where a
restore needs it. `other-systems` writes what
other systems may publish, and reads what services publish, in groups that begin with its name; `leadflow migrate` makes
topics; `operator` replays dead letters and rewinds groups.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from shared.events.base import Event
from shared.events.catalogue import CATALOGUE
from shared.events.readers import OTHERS_MAY_WRITE, READS, READS_BACK, writers
from shared.names import SERVICES, group_of

MIGRATION = "migrate"
OPERATOR = "operator"
OTHERS = "other-systems"
PRINCIPALS = (*SERVICES, MIGRATION, OPERATOR, OTHERS)
"""Who has rights; a principal's name at the broker is `leadflow-` and one of these."""


@dataclass(frozen=True, slots=True)
class Acl:
    """One principal may do these operations (Kafka's names) on one resource, or on all whose names begin so."""

    principal: str
    resource: Literal["topic", "group", "cluster"]
    name: str
    operations: tuple[str, ...]
    pattern: Literal["literal", "prefixed"] = "literal"


def acls() -> list[Acl]:
    """Every right that Leadflow needs, by principal."""
    return [acl for principal in PRINCIPALS for acl in _of(principal)]


def principal_name(principal: str) -> str:
    """What a principal is called at the broker."""
    return f"leadflow-{principal}"


def commands(rights: Iterable[Acl]) -> list[str]:
    """Arguments of Apache Kafka's own `kafka-acls`, one command for each right."""
    return [
        " ".join(
            [
                "kafka-acls --bootstrap-server $BOOTSTRAP --command-config $CONFIG --add --force",
                f"--allow-principal User:{principal_name(acl.principal)}",
                *(f"--operation {operation}" for operation in acl.operations),
                "--cluster" if acl.resource == "cluster" else f"--{acl.resource} {acl.name}",
                *([f"--resource-pattern-type {acl.pattern}"] if acl.pattern != "literal" else []),
            ]
        )
        for acl in rights
    ]


def strimzi_acls(principal: str) -> list[dict[str, object]]:
    """The same rights as `spec.authorization.acls` of Strimzi's `KafkaUser`."""
    return [
        {
            "resource": {"type": acl.resource}
            | ({} if acl.resource == "cluster" else {"name": acl.name, "patternType": _STRIMZI_PATTERNS[acl.pattern]}),
            "operations": list(acl.operations),
        }
        for acl in _of(principal)
    ]


_STRIMZI_PATTERNS = {"literal": "literal", "prefixed": "prefix"}


def _of(principal: str) -> list[Acl]:
    if principal == MIGRATION:
        topics = [Acl(principal, "topic", name, ("Create", "Describe", "DescribeConfigs")) for name in CATALOGUE]
        return [*topics, Acl(principal, "cluster", "kafka-cluster", ("Describe",))]
    if principal == OPERATOR:
        groups = [Acl(principal, "group", group_of(service), ("Read", "Describe")) for service in READS]
        return [*(Acl(principal, "topic", name, ("Read", "Write", "Describe")) for name in CATALOGUE), *groups]
    if principal == OTHERS:
        published = [event for event in CATALOGUE.values() if set(writers(event)) & set(SERVICES)]
        group = Acl(principal, "group", principal_name(principal), ("Read", "Describe"), "prefixed")
        return [*_on_topics(principal, published, OTHERS_MAY_WRITE), group]
    written = [event for event in CATALOGUE.values() if principal in writers(event)]
    group = Acl(principal, "group", group_of(principal), ("Read", "Describe"))
    return [*_on_topics(principal, (*READS[principal], *READS_BACK.get(principal, ())), written), group]


def _on_topics(principal: str, read: Collection[type[Event]], written: Collection[type[Event]]) -> list[Acl]:
    """The rights of who reads and writes these, in the order of the catalogue."""
    rights = []
    for name, event in CATALOGUE.items():
        operations = [*(["Read"] if event in read else []), *(["Write"] if event in written else [])]
        if operations:
            rights.append(Acl(principal, "topic", name, (*operations, "Describe")))
    return rights
