"""Uploaded files and how far they were read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from shared.db import UnitOfWork

CHUNK = 262_144
"""Bytes of a file in one row."""


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """What is wrong with a row; with `lead_id` it is a warning: the row was taken all the same."""

    line: int
    column: str | None
    value: str
    reason: str
    lead_id: UUID | None = None


async def add(work: UnitOfWork, tenant: str, import_id: UUID, **columns: Any) -> None:
    """A new import, while its file is being uploaded."""
    await work.run(
        """
        INSERT INTO import_job (tenant_id, import_id, state, source, file_name, mapping, layout, size, position, line,
                                rows_read, rows_taken, rows_rejected, idempotency_key, request_digest, created_on,
                                created_by, touched_on)
        VALUES (:tenant, :import, 'uploading', :source, :file_name, CAST(:mapping AS jsonb), CAST(:layout AS jsonb),
                :size, :position, :line, 0, 0, 0, :idempotency_key, :request_digest, :now, :created_by, :now)
        """,
        tenant=tenant,
        **{"import": import_id},
        now=work.now,
        **columns,
    )


async def by_key(work: UnitOfWork, tenant: str, key: str) -> RowMapping | None:
    return await work.fetch_one(
        "SELECT * FROM import_job WHERE tenant_id = :tenant AND idempotency_key = :key", tenant=tenant, key=key
    )


async def add_chunks(work: UnitOfWork, tenant: str, import_id: UUID, first: int, chunks: Sequence[bytes]) -> None:
    await work.run(
        """
        INSERT INTO import_chunk (tenant_id, import_id, number, data)
        SELECT :tenant, :import, number, data
        FROM unnest(CAST(:numbers AS int[]), CAST(:chunks AS bytea[])) AS t (number, data)
        """,
        tenant=tenant,
        **{"import": import_id},
        numbers=list(range(first, first + len(chunks))),
        chunks=list(chunks),
    )


async def begin(work: UnitOfWork, tenant: str, import_id: UUID, total: int) -> None:
    """The file is here in full: a worker may read it. `total` is an estimate until the end."""
    await work.run(
        """
        UPDATE import_job SET state = 'running', rows_total = :total, touched_on = :now
        WHERE tenant_id = :tenant AND import_id = :import
        """,
        tenant=tenant,
        **{"import": import_id},
        total=total,
        now=work.now,
    )


async def read(work: UnitOfWork, tenant: str, import_id: UUID, *, lock: bool = False) -> RowMapping | None:
    return await work.fetch_one(
        f"""
        SELECT * FROM import_job WHERE tenant_id = :tenant AND import_id = :import AND state <> 'uploading'
        {"FOR UPDATE" if lock else ""}
        """,
        tenant=tenant,
        **{"import": import_id},
    )


async def due(work: UnitOfWork) -> list[tuple[str, UUID]]:
    """Running imports; the one that waited longest comes first, so that tenants take turns."""
    rows = await work.fetch(
        "SELECT tenant_id, import_id FROM import_job WHERE state = 'running' ORDER BY touched_on LIMIT 20"
    )
    return [(row["tenant_id"], row["import_id"]) for row in rows]


async def claim(work: UnitOfWork, tenant: str, import_id: UUID) -> RowMapping | None:
    """A running import, locked; None when another worker has it or it is over."""
    return await work.fetch_one(
        """
        SELECT * FROM import_job WHERE tenant_id = :tenant AND import_id = :import AND state = 'running'
        FOR UPDATE SKIP LOCKED
        """,
        tenant=tenant,
        **{"import": import_id},
    )


async def window(work: UnitOfWork, tenant: str, import_id: UUID, position: int, size: int) -> bytes:
    """The bytes of the file from `position` on, about `size` of them."""
    first, skip = divmod(position, CHUNK)
    rows = await work.fetch(
        """
        SELECT number, data FROM import_chunk
        WHERE tenant_id = :tenant AND import_id = :import AND number BETWEEN :first AND :last ORDER BY number
        """,
        tenant=tenant,
        **{"import": import_id},
        first=first,
        last=first + size // CHUNK,
    )
    # A gap would shift everything behind it: what stands before it is all that can be read.
    whole = [row["data"] for n, row in enumerate(rows) if row["number"] == first + n]
    return b"".join(whole)[skip:]


async def advance(
    work: UnitOfWork, job: RowMapping, *, position: int, line: int, read: int, taken: int, rejected: int
) -> None:
    """A page is done: count it, and go on behind it."""
    await work.run(
        """
        UPDATE import_job
        SET position = :position, line = :line, rows_read = rows_read + :read, rows_taken = rows_taken + :taken,
            rows_rejected = rows_rejected + :rejected, touched_on = clock_timestamp()
        WHERE tenant_id = :tenant AND import_id = :import
        """,
        tenant=job["tenant_id"],
        **{"import": job["import_id"]},
        position=position,
        line=line,
        read=read,
        taken=taken,
        rejected=rejected,
    )


async def finish(work: UnitOfWork, job: RowMapping) -> None:
    """All rows are read: the file itself is forgotten."""
    key = {"tenant": job["tenant_id"], "import": job["import_id"]}
    await work.run(
        """
        UPDATE import_job SET state = 'done', reason = NULL, rows_total = rows_read, finished_on = :now
        WHERE tenant_id = :tenant AND import_id = :import
        """,
        now=work.now,
        **key,
    )
    await work.run("DELETE FROM import_chunk WHERE tenant_id = :tenant AND import_id = :import", **key)


async def set_state(work: UnitOfWork, tenant: str, import_id: UUID, state: str, reason: str | None = None) -> None:
    await work.run(
        """
        UPDATE import_job SET state = :state, reason = :reason, touched_on = clock_timestamp()
        WHERE tenant_id = :tenant AND import_id = :import
        """,
        tenant=tenant,
        **{"import": import_id},
        state=state,
        reason=reason,
    )


async def add_errors(work: UnitOfWork, job: RowMapping, errors: Sequence[ErrorRow]) -> None:
    if errors:
        await work.run(
            """
            INSERT INTO import_error (tenant_id, import_id, line, column_name, value, reason, lead_id)
            SELECT :tenant, :import, line, column_name, value, reason, lead_id
            FROM unnest(CAST(:lines AS bigint[]), CAST(:columns AS text[]), CAST(:values AS text[]),
                        CAST(:reasons AS text[]), CAST(:leads AS uuid[]))
                 WITH ORDINALITY AS t (line, column_name, value, reason, lead_id, n)
            ORDER BY n
            """,
            tenant=job["tenant_id"],
            **{"import": job["import_id"]},
            lines=[error.line for error in errors],
            columns=[error.column for error in errors],
            values=[error.value for error in errors],
            reasons=[error.reason for error in errors],
            leads=[error.lead_id for error in errors],
        )


async def errors(
    work: UnitOfWork, tenant: str, import_id: UUID, *, taken: bool, after: int, limit: int
) -> Sequence[RowMapping]:
    """What is wrong with the rows that were not taken, or with those that were, in the order of the file."""
    return await work.fetch(
        f"""
        SELECT number, line, column_name, value, reason, lead_id FROM import_error
        WHERE tenant_id = :tenant AND import_id = :import AND number > :after
          AND lead_id IS {"NOT NULL" if taken else "NULL"}
        ORDER BY number LIMIT :limit
        """,
        tenant=tenant,
        **{"import": import_id},
        after=after,
        limit=limit,
    )


async def abandoned(work: UnitOfWork) -> list[tuple[str, UUID]]:
    """Uploads that were cut off a day ago."""
    rows = await work.fetch(
        """
        SELECT tenant_id, import_id FROM import_job
        WHERE state = 'uploading' AND touched_on < clock_timestamp() - interval '1 day' ORDER BY touched_on LIMIT 20
        """
    )
    return [(row["tenant_id"], row["import_id"]) for row in rows]


async def remove(work: UnitOfWork, tenant: str, import_id: UUID) -> None:
    """Forget an upload that never became an import."""
    key = {"tenant": tenant, "import": import_id}
    await work.run("DELETE FROM import_chunk WHERE tenant_id = :tenant AND import_id = :import", **key)
    await work.run(
        "DELETE FROM import_job WHERE tenant_id = :tenant AND import_id = :import AND state = 'uploading'", **key
    )
