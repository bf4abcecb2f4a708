"""Submit a lead to Leadflow, wait for the answer, and read what happens to the lead.

Needs the package confluent-kafka. Settings: KAFKA (host:port of a broker), TENANT.
"""

import json
import os
import sys
import time
import uuid
from datetime import UTC, datetime

from confluent_kafka import Consumer, Producer

KAFKA, TENANT = os.environ["KAFKA"], os.environ["TENANT"]
SOURCE = "urn:example:crm"

producer = Producer(
    {
        "bootstrap.servers": KAFKA,
        "acks": "all",
        "enable.idempotence": True,
        "partitioner": "murmur2_random",  # the same partitions as Java's clients
    }
)
consumer = Consumer(
    {
        "bootstrap.servers": KAFKA,
        # A group for each system. Offsets are committed after the work, so a crash repeats work and loses none.
        "group.id": f"example-crm-{TENANT}",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
)
consumer.subscribe(["submission.answered", "lead.scored"])

event_id = str(uuid.uuid4())
headers = {
    "ce_specversion": "1.0",
    "ce_id": event_id,  # a repetition with the same id changes nothing
    "ce_type": "lead.submitted",
    "ce_source": SOURCE,
    "ce_time": datetime.now(UTC).isoformat(),
    "ce_tenantid": TENANT,
    "content-type": "application/json",
}
lead = {
    "source": "crm",
    "external_id": event_id,
    "email": f"ada-{event_id[:8]}@example.org",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "job_title": "Head of Engineering",
}
producer.produce("lead.submitted", key=event_id, value=json.dumps(lead), headers=list(headers.items()))
producer.flush(30)

lead_id = score = None
deadline = time.monotonic() + 60
while (lead_id is None or score is None) and time.monotonic() < deadline:
    record = consumer.poll(1)
    if record is None or record.error():
        continue
    attributes = {name: value.decode() for name, value in record.headers() or []}
    # The correlation id is the id of the event that began it all. Topics are read in any order: the score of a new
    # lead may be read before the answer.
    if attributes["ce_tenantid"] == TENANT and attributes.get("ce_correlationid") == event_id:
        data = json.loads(record.value())
        if record.topic() == "submission.answered":
            print(f"answered: {data['outcome']}")
            if data["outcome"] == "refused":
                sys.exit(f"refused: {data['reason']}")
            lead_id = data["lead_id"]
        elif record.topic() == "lead.scored":
            score = data["total"]
            print(f"scored: {score} {data['band']}")
    consumer.commit(record, asynchronous=False)
consumer.close()
if lead_id is None or score is None:
    sys.exit("Leadflow did not answer within a minute")
print(f"lead: {lead_id}")
