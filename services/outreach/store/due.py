"""Work of all tenants that is due: answers before everything else, and among equals the tenants in turn.

Whatever is written, sent, read, asked or checked for all tenants by one worker is found here, or its store picks one at
random: a tenant with much work keeps that of the others waiting for a round or two, and never for all of its own.
"""

from services.outreach.tables import QUEUES

QUEUES_IN_ORDER = tuple(f"state = 'queued' AND {condition}" for condition in QUEUES.values())
"""The rows that wait in each queue, the first one first."""


def tenants_with(table: str, waiting: str) -> str:
    """The recursive query `waiting` of the tenants with rows of the table that wait, due or not.

    Each tenant costs one step down an index that begins with the tenant, however many rows wait.
    """
    rows = f"FROM {table} WHERE {waiting}"
    return f"""
        WITH RECURSIVE waiting AS (
            (SELECT tenant_id {rows} ORDER BY tenant_id LIMIT 1)
          UNION ALL
            SELECT n.tenant_id FROM waiting w
            CROSS JOIN LATERAL (SELECT tenant_id {rows} AND tenant_id > w.tenant_id ORDER BY tenant_id LIMIT 1) n
        )
    """


def in_turn(table: str, key: str, moment: str, waiting: str, due: str) -> str:
    """The query of (tenant_id, key) of `:limit` rows that are due, one of each tenant before the second of any.

    Of a tenant those come first that have been due longest by `moment`. Which tenants come first is left to chance:
    no order lets the same ones come first each time, while others wait for all that these have. It reads an index of
    (tenant_id, moment) over the rows that wait, and of each tenant no more than the limit.
    """
    of_tenant = f"FROM {table} WHERE tenant_id = w.tenant_id AND {waiting} AND {due} ORDER BY tenant_id, {moment} LIMIT"
    return f"""{tenants_with(table, waiting)}
        SELECT w.tenant_id, d.{key} FROM (
            SELECT w.tenant_id FROM waiting w CROSS JOIN LATERAL (SELECT {of_tenant} 1) d ORDER BY random() LIMIT :limit
        ) w CROSS JOIN LATERAL (
            SELECT {key}, row_number() OVER (ORDER BY {moment}) AS place {of_tenant} :limit
        ) d ORDER BY d.place, random() LIMIT :limit
    """
