"""Imports: uploaded files, their progress, and the errors and warnings of their rows."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from services.capture.rules.mentions import Person
from services.capture.store.persons import characters, may_mention
from services.capture.tables import ImportChunkRow, ImportErrorRow, ImportJobRow
from shared.db import Row, UnitOfWork, array_parameters, by_column
from shared.db.columns import column_types, insert_rows, select_values

CHUNK = 262_144
"""Bytes of a file in one row."""
_OVERLAP = 1_000
"""Bytes of the next chunk that are read with a chunk, so that an address across their border is found."""

_JOB_COLUMNS = ", ".join(column_types(ImportJobRow))
_INSERT_JOB = insert_rows(ImportJobRow)
_CHUNK_COLUMNS = tuple(column_types(ImportChunkRow))
_INSERT_CHUNKS = insert_rows(ImportChunkRow)
_ERROR_TYPES = {name: type for name, type in column_types(ImportErrorRow).items() if name != "number"}
_ERROR_COLUMNS = ", ".join(_ERROR_TYPES)
# The generated numbers follow the order of the errors.
_INSERT_ERRORS = f"""
    INSERT INTO import_error ({_ERROR_COLUMNS})
    SELECT {select_values(ImportErrorRow, _ERROR_TYPES)}
    FROM unnest({array_parameters(_ERROR_TYPES)}) WITH ORDINALITY AS v ({_ERROR_COLUMNS}, position)
    ORDER BY v.position
"""


class NewImport(NamedTuple):
    """An import whose file is being uploaded. `position` and `line`: where the first record begins."""

    import_id: UUID
    source: str
    file_name: str
    mapping: Mapping[str, str]
    layout: Mapping[str, Any]
    size: int
    position: int
    line: int
    idempotency_key: str | None
    request_digest: bytes
    created_by: str


class RowError(NamedTuple):
    """What is wrong with a row. With a `lead_id` it is a warning: the row was taken, without this value."""

    line: int
    column: str | None
    value: str
    reason: str
    lead_id: UUID | None = None
    record: bytes | None = None
    """The row as it was written, with its first error only."""


async def insert(work: UnitOfWork, tenant: str, new: NewImport) -> None:
    """Add an import in state `uploading`. A unique violation: another one has its Idempotency-Key."""
    row = new._asdict() | {
        "tenant_id": tenant,
        "state": "uploading",
        "mapping": orjson.dumps(new.mapping).decode(),
        "layout": orjson.dumps(new.layout).decode(),
        "rows_read": 0,
        "rows_taken": 0,
        "rows_rejected": 0,
        "created_on": work.now,
        "touched_on": work.now,
    }
    await work.run(_INSERT_JOB, **{name: [row.get(name)] for name in column_types(ImportJobRow)})


async def find_by_key(work: UnitOfWork, tenant: str, key: str) -> Row | None:
    """The import with this Idempotency-Key, in any state."""
    return await work.fetch_one(
        f"SELECT {_JOB_COLUMNS} FROM import_job WHERE tenant_id = :tenant AND idempotency_key = :key",
        tenant=tenant,
        key=key,
    )


async def insert_chunks(work: UnitOfWork, tenant: str, import_id: UUID, first: int, chunks: Sequence[bytes]) -> None:
    """Store the chunks of a file that follow chunk number `first` - 1."""
    if chunks:
        rows = [(tenant, import_id, number, data) for number, data in enumerate(chunks, start=first)]
        await work.run(_INSERT_CHUNKS, **by_column(_CHUNK_COLUMNS, rows))
        await work.run(
            "UPDATE import_job SET touched_on = :now WHERE tenant_id = :tenant AND import_id = :import_id",
            tenant=tenant,
            import_id=import_id,
            now=work.now,
        )


async def begin(work: UnitOfWork, tenant: str, import_id: UUID, total: int) -> None:
    """Let workers read an import whose file is complete. `total` is an estimate of its rows."""
    await work.run(
        """
        UPDATE import_job SET state = 'running', rows_total = :total, touched_on = :now
        WHERE tenant_id = :tenant AND import_id = :import_id
        """,
        tenant=tenant,
        import_id=import_id,
        total=total,
        now=work.now,
    )


async def read(work: UnitOfWork, tenant: str, import_id: UUID, *, lock: bool = False) -> Row | None:
    """An import whose upload is complete."""
    return await work.fetch_one(
        f"""
        SELECT {_JOB_COLUMNS} FROM import_job
        WHERE tenant_id = :tenant AND import_id = :import_id AND state <> 'uploading'
        {"FOR UPDATE" if lock else ""}
        """,
        tenant=tenant,
        import_id=import_id,
    )


async def longest_waiting(work: UnitOfWork) -> list[tuple[str, UUID]]:
    """Running imports, (tenant, import id); the one that waited longest first, so that tenants take turns."""
    rows = await work.fetch(
        "SELECT tenant_id, import_id FROM import_job WHERE state = 'running' ORDER BY touched_on LIMIT 20"
    )
    return [(row["tenant_id"], row["import_id"]) for row in rows]


async def lock_running(work: UnitOfWork, tenant: str, import_id: UUID) -> Row | None:
    """A running import, locked; None when another worker has locked it, or it is not running any more."""
    return await work.fetch_one(
        f"""
        SELECT {_JOB_COLUMNS} FROM import_job
        WHERE tenant_id = :tenant AND import_id = :import_id AND state = 'running'
        FOR UPDATE SKIP LOCKED
        """,
        tenant=tenant,
        import_id=import_id,
    )


async def window(work: UnitOfWork, tenant: str, import_id: UUID, position: int, size: int) -> bytes:
    """At least `size` bytes of the file from `position` on, fewer at its end or before a missing chunk."""
    first, skip = divmod(position, CHUNK)
    rows = await work.fetch(
        """
        SELECT number, data FROM import_chunk
        WHERE tenant_id = :tenant AND import_id = :import_id AND number BETWEEN :first AND :last ORDER BY number
        """,
        tenant=tenant,
        import_id=import_id,
        first=first,
        last=first + size // CHUNK,
    )
    # Behind a missing chunk every offset would be wrong: only the chunks before it can be read.
    complete = [row["data"] for n, row in enumerate(rows) if row["number"] == first + n]
    return b"".join(complete)[skip:]


async def advance(
    work: UnitOfWork, job: Row, *, position: int, line: int, read: int, taken: int, rejected: int
) -> None:
    """Count the rows of a page, and continue after it: the next record begins at `position` and `line`."""
    await work.run(
        """
        UPDATE import_job
        SET position = :position, line = :line, rows_read = rows_read + :read, rows_taken = rows_taken + :taken,
            rows_rejected = rows_rejected + :rejected, touched_on = clock_timestamp()
        WHERE tenant_id = :tenant AND import_id = :import_id
        """,
        tenant=job["tenant_id"],
        import_id=job["import_id"],
        position=position,
        line=line,
        read=read,
        taken=taken,
        rejected=rejected,
    )


async def delete_chunks_before(work: UnitOfWork, job: Row, position: int) -> None:
    """Delete what of a file stands in chunks before this byte."""
    await work.run(
        "DELETE FROM import_chunk WHERE tenant_id = :tenant AND import_id = :import_id AND number < :number",
        tenant=job["tenant_id"],
        import_id=job["import_id"],
        number=position // CHUNK,
    )


async def finish(work: UnitOfWork, job: Row) -> None:
    """Mark an import as done, and delete its file."""
    key = {"tenant": job["tenant_id"], "import_id": job["import_id"]}
    await work.run(
        """
        UPDATE import_job SET state = 'done', reason = NULL, rows_total = rows_read, finished_on = :now
        WHERE tenant_id = :tenant AND import_id = :import_id
        """,
        now=work.now,
        **key,
    )
    await work.run("DELETE FROM import_chunk WHERE tenant_id = :tenant AND import_id = :import_id", **key)


async def set_state(work: UnitOfWork, tenant: str, import_id: UUID, state: str, reason: str | None = None) -> None:
    await work.run(
        """
        UPDATE import_job SET state = :state, reason = :reason, touched_on = clock_timestamp()
        WHERE tenant_id = :tenant AND import_id = :import_id
        """,
        tenant=tenant,
        import_id=import_id,
        state=state,
        reason=reason,
    )


async def postpone(work: UnitOfWork, tenant: str, import_id: UUID) -> None:
    """Let the other running imports be first."""
    await work.run(
        "UPDATE import_job SET touched_on = clock_timestamp() WHERE tenant_id = :tenant AND import_id = :import_id",
        tenant=tenant,
        import_id=import_id,
    )


async def insert_errors(work: UnitOfWork, job: Row, errors: Sequence[RowError]) -> None:
    """Add errors and warnings of an import's rows, in order."""
    if errors:
        rows = [(job["tenant_id"], job["import_id"], *error) for error in errors]
        await work.run(_INSERT_ERRORS, **by_column(_ERROR_TYPES, rows))


async def page_of_errors(
    work: UnitOfWork, tenant: str, import_id: UUID, *, warnings: bool, after: int, limit: int
) -> Sequence[Row]:
    """The next errors of an import, or its next warnings, in the order of the file."""
    return await work.fetch(
        f"""
        SELECT number, line, column_name, value, reason, lead_id, record FROM import_error
        WHERE tenant_id = :tenant AND import_id = :import_id AND number > :after
          AND lead_id IS {"NOT NULL" if warnings else "NULL"}
        ORDER BY number LIMIT :limit
        """,
        tenant=tenant,
        import_id=import_id,
        after=after,
        limit=limit,
    )


_UNREAD = "state IN ('running', 'failed')"


async def unread_with(work: UnitOfWork, tenant: str, person: Person) -> list[UUID]:
    """Imports that are not done, and whose files may mention a person."""
    rows = await work.fetch_tuples(
        f"""
        SELECT DISTINCT c.import_id FROM (
            SELECT import_id, data || coalesce(substring(lead(data) OVER (PARTITION BY import_id ORDER BY number)
                                                         FOR {_OVERLAP}), '') AS data
            FROM import_chunk
            WHERE tenant_id = :tenant
              AND import_id IN (SELECT import_id FROM import_job WHERE tenant_id = :tenant AND {_UNREAD})
        ) c WHERE {may_mention("c.data")} ORDER BY c.import_id
        """,
        tenant=tenant,
        **characters(person),
    )
    return [import_id for (import_id,) in rows]


async def lock_unread(work: UnitOfWork, tenant: str, import_id: UUID) -> Row | None:
    """An import that is not done, once nobody else works on it."""
    return await work.fetch_one(
        f"""
        SELECT {_JOB_COLUMNS} FROM import_job
        WHERE tenant_id = :tenant AND import_id = :import_id AND {_UNREAD} FOR UPDATE
        """,
        tenant=tenant,
        import_id=import_id,
    )


async def records_with(work: UnitOfWork, records: Sequence[bytes], person: Person) -> list[int]:
    """Which of these records may mention a person, by their places in the list."""
    rows = await work.fetch_tuples(
        f"""
        SELECT r.place - 1 FROM unnest(CAST(:records AS bytea[])) WITH ORDINALITY AS r (record, place)
        WHERE {may_mention("r.record")} ORDER BY 1
        """,
        records=list(records),
        **characters(person),
    )
    return [int(place) for (place,) in rows]


async def overwrite(work: UnitOfWork, job: Row, begin: int, content: bytes) -> None:
    """Put other bytes, as many, in the place of those of a file from byte `begin` on."""
    while content:
        number, skip = divmod(begin, CHUNK)
        part, content = content[: CHUNK - skip], content[CHUNK - skip :]
        await work.run(
            """
            UPDATE import_chunk SET data = overlay(data PLACING :part FROM :start)
            WHERE tenant_id = :tenant AND import_id = :import_id AND number = :number
            """,
            tenant=job["tenant_id"],
            import_id=job["import_id"],
            number=number,
            part=part,
            start=skip + 1,
        )
        begin += len(part)


async def abandoned_uploads(work: UnitOfWork) -> list[tuple[str, UUID]]:
    """Imports, (tenant, import id), whose upload began more than a day ago and was never completed."""
    rows = await work.fetch(
        """
        SELECT tenant_id, import_id FROM import_job
        WHERE state = 'uploading' AND touched_on < clock_timestamp() - interval '1 day' ORDER BY touched_on LIMIT 20
        """
    )
    return [(row["tenant_id"], row["import_id"]) for row in rows]


async def delete_upload(work: UnitOfWork, tenant: str, import_id: UUID) -> None:
    """Delete an import whose upload was never completed."""
    key = {"tenant": tenant, "import_id": import_id}
    await work.run("DELETE FROM import_chunk WHERE tenant_id = :tenant AND import_id = :import_id", **key)
    await work.run(
        "DELETE FROM import_job WHERE tenant_id = :tenant AND import_id = :import_id AND state = 'uploading'", **key
    )
