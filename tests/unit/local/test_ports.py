import socket

import pytest

from deploy.local.ports import Ports, PortTaken, free_port_base
from shared.errors import Invalid


def test_the_default_ports_are_those_of_the_contract():
    ports = Ports.of()
    assert dict(ports.services) == {
        "capture": 8101,
        "enrichment": 8102,
        "scoring": 8103,
        "stages": 8104,
        "outreach": 8105,
        "goals": 8106,
    }
    assert (ports.smtp, ports.kafka, ports.kafka_controller, ports.postgres) == (8125, 9092, 9093, 5433)


def test_another_base_moves_every_port():
    before, after = Ports.of(), Ports.of(9100)
    assert after.services["goals"] == 9106
    assert (after.smtp, after.kafka, after.kafka_controller, after.postgres) == (9125, 9192, 9193, 9133)
    assert not {before.kafka, before.kafka_controller, before.postgres} & {after.kafka, after.postgres}


def test_an_environment_variable_moves_one_service():
    assert Ports.of(8100, {"LEADFLOW_STAGES_PORT": "7000"}).services["stages"] == 7000


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "٣", " 7000", "7" * 5_000])
def test_a_variable_that_is_no_port_is_named(port):
    with pytest.raises(Invalid, match="LEADFLOW_STAGES_PORT is a port, a number from 1 to 65535, and not"):
        Ports.of(8100, {"LEADFLOW_STAGES_PORT": port})


def test_the_error_for_a_taken_port_names_the_port_and_the_flag():
    ports = Ports.of(free_port_base())
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports.smtp))
        other.listen()
        with pytest.raises(PortTaken, match=rf"port {ports.smtp} for the SMTP mailbox is taken.*--port-base"):
            ports.require_free()


def test_an_outside_kafka_needs_no_local_port():
    ports = Ports.of(free_port_base())
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports.kafka))
        other.listen()
        ports.require_free(kafka=False)
        with pytest.raises(PortTaken, match="Kafka"):
            ports.require_free()
