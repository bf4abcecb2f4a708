"""The best that two good engineers would write by hand: aiokafka and asyncpg, no framework, nothing in between.

The same pure rules (`services/*/rules`), the same rows in the same tables, the same promises: an inbox, state and
outbox in one transaction, offsets committed after it, one relay that keeps the order of a lead's events, `ce_sequence`,
row-level security. What the pipeline's way does not need is left out: other event types, HTTP, corrections, alerts.
"""
