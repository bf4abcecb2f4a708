"""The figures of a sequence, counted from its enrolments and their steps each time: so they can be recounted."""

from collections.abc import Sequence
from uuid import UUID

from shared.db import Row, UnitOfWork


async def of_sequence(work: UnitOfWork, tenant: str, sequence_id: UUID) -> Row:
    """How many leads were enrolled, and how the enrolments stand or ended (`by_reason`)."""
    row = await work.fetch_one(
        """
        SELECT CAST(coalesce(sum(n), 0) AS bigint) AS enrolled,
               CAST(coalesce(sum(n) FILTER (WHERE state = 'active'), 0) AS bigint) AS active,
               CAST(coalesce(sum(n) FILTER (WHERE state = 'paused'), 0) AS bigint) AS paused,
               CAST(coalesce(sum(n) FILTER (WHERE state = 'done'), 0) AS bigint) AS done,
               CAST(coalesce(sum(n) FILTER (WHERE state = 'exited'), 0) AS bigint) AS exited,
               coalesce(jsonb_object_agg(reason, n) FILTER (WHERE state = 'exited'), '{}') AS by_reason
        FROM (SELECT state, CASE WHEN state = 'exited' THEN coalesce(reason, '') END AS reason, count(*) AS n
              FROM enrolment WHERE tenant_id = :tenant AND sequence_id = :sequence GROUP BY 1, 2) counted
        """,
        tenant=tenant,
        sequence=sequence_id,
    )
    assert row is not None
    return row


async def of_steps(work: UnitOfWork, tenant: str, sequence_id: UUID) -> Sequence[Row]:
    """By step: drafted, approved, edited, rejected, expired, sent, skipped, replied, and the median wait for a human.

    `replied`: enrolments that a reply ended after this step was the last to be sent. `median_wait`: in seconds, from
    the draft to the decision.
    """
    return await work.fetch(
        """
        WITH steps AS (
            SELECT * FROM enrolment_step WHERE tenant_id = :tenant AND sequence_id = :sequence
        ), last_sent AS (
            SELECT DISTINCT ON (s.enrolment_id) s.enrolment_id, s.step FROM steps s
            WHERE s.state = 'sent' ORDER BY s.enrolment_id, s.ended_at DESC
        ), replied AS (
            SELECT l.step, count(*) AS n FROM last_sent l
            JOIN enrolment e ON e.tenant_id = :tenant AND e.enrolment_id = l.enrolment_id AND e.reason = 'reply'
            GROUP BY l.step
        )
        SELECT s.step, count(*) FILTER (WHERE drafted_at IS NOT NULL) AS drafted,
               count(*) FILTER (WHERE decision = 'approved') AS approved, count(*) FILTER (WHERE edited) AS edited,
               count(*) FILTER (WHERE decision = 'rejected') AS rejected,
               count(*) FILTER (WHERE decision = 'expired') AS expired,
               count(*) FILTER (WHERE state = 'sent') AS sent, count(*) FILTER (WHERE state = 'skipped') AS skipped,
               coalesce(max(r.n), 0) AS replied,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM decided_at - drafted_at))
                   FILTER (WHERE decision IN ('approved', 'rejected') AND template_sha256 IS NULL) AS median_wait
        FROM steps s LEFT JOIN replied r ON r.step = s.step GROUP BY s.step ORDER BY s.step
        """,
        tenant=tenant,
        sequence=sequence_id,
    )
