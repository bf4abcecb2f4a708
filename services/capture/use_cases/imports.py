"""Imports: a file comes in whole, then a worker takes its rows in, page by page, in one transaction each.

The page and how far the file was read commit together, so a worker that is killed loses nothing and repeats nothing.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Protocol
from uuid import UUID

import structlog
from sqlalchemy import RowMapping
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from services.capture.rules.columns import read_mapping, read_row
from services.capture.rules.contact import Problem, Readers, clean, normalise
from services.capture.rules.records import MAX_ROW_BYTES, Layout, NotText, Record, read_layout, read_records
from services.capture.store import imports as store
from services.capture.use_cases.again import TRIES
from services.capture.use_cases.submissions import Submission, submit
from shared.db import RETRY_AT_ONCE, Database, UnitOfWork, sqlstate
from shared.errors import Conflict, Invalid, NotFound, UnsupportedMedia
from shared.ids import uuid7
from shared.store import outbox

log = structlog.get_logger()

_WINDOW = 2 * MAX_ROW_BYTES
_HEAD = 262_144
_CHUNKS_AT_ONCE = 16
_SHOWN = 200
"""Characters of a bad value that the error file shows."""
_INCOMPLETE = "a part of the uploaded file is missing; upload it again"
_REFUSED_DATA = ("22", "23")
"""SQLSTATE classes that say: this very row cannot be stored."""


class File(Protocol):
    """An uploaded file, on disk by now."""

    async def read(self, size: int = -1) -> bytes: ...

    async def seek(self, offset: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Upload:
    """What the caller says of a file."""

    name: str
    source: str
    mapping: Mapping[str, Any]
    encoding: str
    idempotency_key: str | None


async def start_import(database: Database, tenant: str, actor: str, file: File, upload: Upload) -> UUID:
    """Store the file and have a worker read it; the import's id. With the same Idempotency-Key: the same import.

    Raises Invalid where the file, or its mapping, cannot be read at all.
    """
    try:
        layout = read_layout(await file.read(_HEAD), name=upload.name, encoding=upload.encoding)
        mapping = read_mapping(upload.mapping, layout.columns)
    except NotText as error:
        raise UnsupportedMedia(str(error)) from None
    except ValueError as error:
        raise Invalid(str(error), [{"field": "file", "message": str(error)}]) from None
    size, total, digest = await _measure(file, layout, upload)
    if (known := await _known(database, tenant, upload.idempotency_key, digest)) is not None:
        return known
    import_id = uuid7()
    try:
        async with database.tenant(tenant) as work:
            await store.add(
                work,
                tenant,
                import_id,
                source=upload.source,
                file_name=clean(upload.name)[:_SHOWN],
                mapping=mapping,
                layout=asdict(layout),
                size=size,
                position=layout.start,
                line=layout.line,
                idempotency_key=upload.idempotency_key,
                request_digest=digest,
                created_by=actor,
            )
    except IntegrityError:
        raise Conflict("an import with this Idempotency-Key is being uploaded") from None
    await _store_file(database, tenant, import_id, file)
    async with database.tenant(tenant) as work:
        await store.begin(work, tenant, import_id, total)
    return import_id


async def _measure(file: File, layout: Layout, upload: Upload) -> tuple[int, int, bytes]:
    """Size in bytes, about how many rows (line ends outside of quotes), and a digest of all that the caller sent."""
    said = sorted((str(k), str(v)) for k, v in upload.mapping.items())
    digest = hashlib.sha256(repr((upload.source, said, upload.encoding)).encode())
    size, rows, quotes, last = 0, 0, 0, b"\n"
    await file.seek(0)
    while chunk := await file.read(store.CHUNK):
        digest.update(chunk)
        size += len(chunk)
        last = chunk[-1:]
        if layout.format == "ndjson":
            rows += chunk.count(b"\n")
            continue
        for part in chunk.split(b'"'):
            rows += 0 if quotes % 2 else part.count(b"\n")
            quotes += 1
        quotes -= 1  # the last part goes on in the next chunk
    return size, max(0, rows + (last != b"\n") - (layout.line - 1)), digest.digest()


async def _known(database: Database, tenant: str, key: str | None, digest: bytes) -> UUID | None:
    if key is None:
        return None
    async with database.tenant(tenant) as work:
        job = await store.by_key(work, tenant, key)
        if job is None:
            return None
        if job["request_digest"] != digest:
            raise Invalid("this Idempotency-Key was used with another body")
        if job["state"] == "uploading":
            # That request did not get to its end; this one takes its place.
            await store.remove(work, tenant, job["import_id"])
            return None
        import_id: UUID = job["import_id"]
        return import_id


async def _store_file(database: Database, tenant: str, import_id: UUID, file: File) -> None:
    await file.seek(0)
    number, ended = 0, False
    while not ended:
        chunks: list[bytes] = []
        while len(chunks) < _CHUNKS_AT_ONCE and not ended:
            chunk = await file.read(store.CHUNK)
            ended = not chunk
            chunks += [chunk] if chunk else []
        async with database.tenant(tenant) as work:
            await store.add_chunks(work, tenant, import_id, number, chunks)
        number += len(chunks)


async def get_import(work: UnitOfWork, tenant: str, import_id: UUID) -> RowMapping:
    job = await store.read(work, tenant, import_id)
    if job is None:
        raise NotFound(f"there is no import {import_id}")
    return job


async def resume_import(work: UnitOfWork, tenant: str, import_id: UUID) -> RowMapping:
    """Go on with a failed import from where it stopped; a running one is left alone."""
    job = await store.read(work, tenant, import_id, lock=True)
    if job is None:
        raise NotFound(f"there is no import {import_id}")
    if job["state"] == "done":
        raise Conflict("this import is done")
    if job["state"] == "failed":
        await store.set_state(work, tenant, import_id, "running")
    return await get_import(work, tenant, import_id)


async def import_step(database: Database, readers: Readers, page: int, outbox_limit: int) -> int:
    """One page of the import that waited longest; 0 when there is nothing to do, or the outbox is too long."""
    async with database.worker() as work:
        due = await store.due(work)
        if not due:
            for tenant, import_id in await store.abandoned(work):
                await _forget_upload(database, tenant, import_id)
        if not due or not await outbox.is_short(work, outbox_limit):
            return 0
    for tenant, import_id in due:
        try:
            if await _page_or_less(database, tenant, import_id, readers, page):
                return 1
        except Exception as error:
            if _is_outage(error):
                raise
            log.error("import.failed", tenant=tenant, import_id=str(import_id), exc_info=error)
            reason = error.detail if isinstance(error, Invalid) else f"a defect in this service: {type(error).__name__}"
            async with database.worker([tenant]) as work:
                await store.set_state(work, tenant, import_id, "failed", reason)
            return 1
    return 0


def _is_outage(error: Exception) -> bool:
    """Whether the same page may pass later: the database is away, or others are in the way."""
    return isinstance(error, OSError | TimeoutError) or (
        isinstance(error, SQLAlchemyError) and sqlstate(error)[:2] in ("", "08", "23", "40", "53", "55", "57", "58")
    )


async def _forget_upload(database: Database, tenant: str, import_id: UUID) -> None:
    async with database.worker([tenant]) as work:
        await store.remove(work, tenant, import_id)


async def _page_or_less(database: Database, tenant: str, import_id: UUID, readers: Readers, page: int) -> bool:
    """A page in one transaction; where the database refuses it, ever smaller ones, down to the row that is at fault."""
    size = page
    tries = 0
    while True:
        try:
            async with database.worker([tenant]) as work:
                job = await store.claim(work, tenant, import_id)
                if job is None:
                    return False
                await _take_page(work, job, readers, size)
                return True
        except DBAPIError as error:
            state = sqlstate(error)
            if state in RETRY_AT_ONCE and tries < TRIES:
                tries += 1  # another batch was about the same lead: this one finds it now
            elif state[:2] in _REFUSED_DATA and size > 1:
                size = max(1, size // 10)
            elif state[:2] in _REFUSED_DATA:
                await _refuse_row(database, tenant, import_id)
                return True
            else:
                raise


async def _refuse_row(database: Database, tenant: str, import_id: UUID) -> None:
    async with database.worker([tenant]) as work:
        job = await store.claim(work, tenant, import_id)
        if job is not None:
            records, _ = await _records(work, job)
            record = next(records)
            error = store.ErrorRow(record.line, None, "", "cannot be stored as it is")
            await store.add_errors(work, job, [error])
            await _advance(work, job, record, read=1, taken=0)


async def _take_page(work: UnitOfWork, job: RowMapping, readers: Readers, size: int) -> None:
    found, ended = await _records(work, job)
    records = list(islice(found, size))
    if not records and not ended:
        raise Invalid(_INCOMPLETE)
    if not records:
        await store.finish(work, job)
        return
    errors: list[store.ErrorRow] = []
    good: list[tuple[Record, Submission, list[Problem]]] = []
    for record in records:
        if record.values is None:
            errors.append(store.ErrorRow(record.line, None, "", record.reason))
            continue
        contact, problems = normalise(read_row(record.values, job["mapping"], job["source"]), readers)
        if contact is None:
            errors += [_error(record, problem, job["mapping"]) for problem in problems]
        else:
            good.append((record, Submission(job["tenant_id"], contact, job["created_on"]), problems))
    outcomes = await submit(work, [submission for _, submission, _ in good])
    for (record, _, problems), outcome in zip(good, outcomes, strict=True):
        errors += [_error(record, problem, job["mapping"], outcome.lead.lead_id) for problem in problems]
    await store.add_errors(work, job, sorted(errors, key=lambda error: error.line))
    await _advance(work, job, records[-1], read=len(records), taken=len(good))


async def _records(work: UnitOfWork, job: RowMapping) -> tuple[Iterator[Record], bool]:
    """The records that come next, and whether they are the last ones."""
    window = await store.window(work, job["tenant_id"], job["import_id"], job["position"], _WINDOW)
    ended = job["position"] + len(window) >= job["size"]
    return read_records(window, Layout(**job["layout"]), job["position"], job["line"], ended=ended), ended


async def _advance(work: UnitOfWork, job: RowMapping, last: Record, *, read: int, taken: int) -> None:
    await store.advance(
        work,
        job,
        position=last.next_offset,
        line=last.next_line,
        read=read,
        taken=taken,
        rejected=read - taken,
    )


def _error(record: Record, problem: Problem, mapping: Mapping[str, str], lead_id: UUID | None = None) -> store.ErrorRow:
    column = mapping.get(problem.field, problem.field)
    return store.ErrorRow(record.line, column, problem.value[:_SHOWN], problem.message, lead_id)
