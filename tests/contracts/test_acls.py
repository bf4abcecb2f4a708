"""Who may do what at the broker follows the catalogue: one publisher for a topic, and no right that nobody needs."""

from shared.events import CATALOGUE
from shared.events.acls import MIGRATION, OPERATOR, OTHERS, acls, commands, principal_name, strimzi_acls
from shared.events.readers import OTHERS_MAY_WRITE, READS, READS_BACK, SERVICES_MAY_WRITE
from shared.names import SERVICES


def _who(operation: str, topic: str) -> set[str]:
    return {acl.principal for acl in acls() if acl.name == topic and operation in acl.operations} - {OPERATOR}


def test_a_topic_is_written_by_its_publisher_and_by_whom_the_tables_name_besides() -> None:
    for name, event in CATALOGUE.items():
        more = {service for service, events in SERVICES_MAY_WRITE.items() if event in events}
        services = ({event.publisher} | more) & set(SERVICES)
        assert _who("Write", name) == services | ({OTHERS} if event in OTHERS_MAY_WRITE else set())


def test_a_topic_is_read_by_the_services_of_the_table_in_groups_of_their_own() -> None:
    for name, event in CATALOGUE.items():
        tables = (*READS.items(), *READS_BACK.items())
        assert _who("Read", name) - {OTHERS} == {service for service, reads in tables if event in reads}
    groups = {acl.name: acl.principal for acl in acls() if acl.resource == "group" and acl.principal in SERVICES}
    assert groups == {f"leadflow-{service}": service for service in SERVICES}


def test_a_service_reads_back_only_what_it_publishes_itself() -> None:
    for service, events in READS_BACK.items():
        assert {event.publisher for event in events} == {service}


def test_other_systems_read_what_services_publish_in_groups_that_begin_with_their_name() -> None:
    assert {name for name in CATALOGUE if OTHERS not in _who("Read", name)} == {"lead.submitted"}
    (group,) = [acl for acl in acls() if acl.resource == "group" and acl.principal == OTHERS]
    assert (group.name, group.pattern) == ("leadflow-other-systems", "prefixed")
    assert {acl.principal for acl in acls() if acl.pattern != "literal"} == {OTHERS}
    assert not any(f"leadflow-{service}".startswith(group.name) for service in SERVICES)
    (line,) = commands([group])
    assert line.endswith("--group leadflow-other-systems --resource-pattern-type prefixed")
    resource = {"type": "group", "name": "leadflow-other-systems", "patternType": "prefix"}
    assert {"resource": resource, "operations": ["Read", "Describe"]} in strimzi_acls(OTHERS)


def test_only_the_migration_makes_topics_and_nobody_may_delete_or_alter() -> None:
    assert {acl.principal for acl in acls() if "Create" in acl.operations} == {MIGRATION}
    assert not {"Delete", "Alter", "AlterConfigs", "All", "ClusterAction"} & {
        operation for acl in acls() for operation in acl.operations
    }
    assert all("*" not in acl.name for acl in acls())


def test_the_commands_and_the_strimzi_objects_say_the_same() -> None:
    lines = commands(acls())
    assert len(lines) == len(acls())
    for principal in (*SERVICES, MIGRATION, OPERATOR, OTHERS):
        of_principal = [acl for acl in acls() if acl.principal == principal]
        assert [entry["operations"] for entry in strimzi_acls(principal)] == [
            list(acl.operations) for acl in of_principal
        ]
        assert sum(f"User:{principal_name(principal)} " in line for line in lines) == len(of_principal)
