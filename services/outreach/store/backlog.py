"""How much waits for people, over all tenants: for metrics and alerts."""

from shared.db import Transaction
from shared.observability import DRAFTS_AGE, DRAFTS_PENDING, REPLIES_WAITING, SENDS_UNKNOWN

_UP_TO = 100_000
"""More than this is not counted: an alert needs no exact number, and a count must stay cheap."""


async def measure(work: Transaction) -> None:
    """Set the gauges of pending drafts, unknown dispatches and replies that wait for a human.

    A snoozed draft waits from the moment on to which it was put off.
    """
    row = await work.fetch_one(
        f"""
        SELECT d.waiting AS drafts, d.age, u.waiting AS unknown, r.waiting AS replies
        FROM (SELECT count(*) AS waiting, coalesce(extract(epoch FROM clock_timestamp() - min(since)), 0) AS age
              FROM (SELECT greatest(created_at, snoozed_until) AS since FROM draft
                    WHERE state = 'pending' AND (snoozed_until IS NULL OR snoozed_until <= clock_timestamp())
                    LIMIT {_UP_TO}) p) d,
             (SELECT count(*) AS waiting FROM (SELECT FROM dispatch WHERE state = 'unknown' LIMIT {_UP_TO}) p) u,
             (SELECT count(*) AS waiting FROM (SELECT FROM reply WHERE needs_human LIMIT {_UP_TO}) p) r
        """
    )
    assert row is not None
    DRAFTS_PENDING.set(row["drafts"])
    DRAFTS_AGE.set(float(row["age"]))
    SENDS_UNKNOWN.set(row["unknown"])
    REPLIES_WAITING.set(row["replies"])
