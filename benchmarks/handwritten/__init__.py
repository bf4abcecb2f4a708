"""The fastest pipeline that good engineers would write by hand: aiokafka and asyncpg, without a framework.

It has the same pure rules (`services/*/rules`), the same rows in the same tables and the same guarantees: inbox, state
and outbox in one transaction, offsets committed after it, one relay that keeps the order of a lead's events,
`ce_sequence`, row-level security. It lacks what the measurement does not use: other event types, HTTP, corrections,
alerts. `handwritten_whole` also publishes `submission.answered`, the reasons of a score and the trace of each lead,
stores the history of consent, and checks the data of every event; the first does none of this.
"""
