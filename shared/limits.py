"""The sizes that Leadflow accepts and produces, each named once."""

MAX_RECORD_BYTES = 1_048_576
"""The largest Kafka record, headers included: the topics' `max.message.bytes`, and the largest value that is read."""

MAX_EVENT_BYTES = 900_000
"""The largest value of an event that Leadflow publishes; the rest of a record is left for its headers."""

MAX_BATCH_BYTES = 950_000
"""The largest batch that a producer builds: one event of the largest size, or many small ones."""

MAX_BODY_BYTES = 10 * 1024 * 1024
"""The largest body of an HTTP request, except on paths that stream it."""
