"""The sizes and times that bound what Leadflow accepts and produces, each named once."""

MAX_RECORD_BYTES = 1_048_576
"""The largest Kafka record, headers included: the topics' `max.message.bytes`, and the largest value that is read."""

MAX_EVENT_BYTES = 900_000
"""The largest value of an event that Leadflow publishes; the rest of a record is left for its headers."""

MAX_BATCH_BYTES = 950_000
"""The largest batch that a producer builds: one event of the largest size, or many small ones."""

MAX_BODY_BYTES = 10 * 1024 * 1024
"""The largest body of an HTTP request on a route that is marked with `large_body`; imports stream without a limit."""

DEFAULT_BODY_BYTES = 256 * 1024
"""The largest body of an HTTP request on any other route."""

MAX_JSON_DEPTH = 64
"""How deep lists and objects may be nested in a body."""

MAX_DIGITS = 1_000
"""The digits of the longest whole number that is read in JSON."""

HEADER_SECONDS = 10.0
"""How long a connection may take to send the headers of a request."""

BODY_SECONDS = 30.0
"""How long a body may take to arrive; on paths that stream, the next part of it."""

KEEP_ALIVE_SECONDS = 5
"""How long an idle connection is kept."""

MAX_REVISION = 1_000_000
"""The greatest version or revision that is read: no lead changes so often, and a forged one would freeze it."""

REVISIONS_RAISED = 10_000
"""By how much `leadflow raise-revisions` raises versions and revisions: more than a lead has had in its whole life, so
that none is published a second time, and little enough to be repeated a hundred times below MAX_REVISION."""

MAX_SOURCE = 200
MAX_EXTERNAL_ID = 300
"""The characters of the source of a lead, and of its id there."""

MAX_OWNER = 200
"""The characters of an owner's name. Queues are sorted by owner, and Postgres refuses an index entry of 2,704 bytes."""

MAX_ATTRIBUTE_BYTES = 256
"""The longest CloudEvents attribute of an event that is read: id, source, correlation id, trace."""
