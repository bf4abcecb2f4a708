"""Work of all tenants that is due: answers before everything else, and among equals the tenants in turn."""

from services.outreach.tables import QUEUES

QUEUES_IN_ORDER = tuple(QUEUES.values())
"""The condition of each queue, the first one first."""


def tenants_with(table: str, queue: str) -> str:
    """The recursive query `waiting` of the tenants with rows of the table in that queue, due or not.

    Each tenant costs one step down an index, however many rows wait.
    """
    rows = f"FROM {table} WHERE state = 'queued' AND {queue}"
    return f"""
        WITH RECURSIVE waiting AS (
            SELECT min(tenant_id) AS tenant_id {rows}
          UNION ALL
            SELECT (SELECT min(tenant_id) {rows} AND tenant_id > w.tenant_id)
            FROM waiting w WHERE w.tenant_id IS NOT NULL
        )
    """
