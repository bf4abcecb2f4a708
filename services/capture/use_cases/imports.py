"""Imports: a worker records the rows of an uploaded file page by page, each page in one transaction.

A page's leads and the import's progress commit together, so a killed worker neither loses nor repeats a row.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any
from uuid import UUID

import structlog

from services.capture.rules.contact import ContactNormaliser, normalise, read_fields
from services.capture.rules.errors import FieldError
from services.capture.rules.field_mapping import read_row
from services.capture.rules.mentions import Person
from services.capture.rules.records import MAX_ROW_BYTES, Layout, LongLine, Record, is_long_line, read_records
from services.capture.store import imports as store
from services.capture.use_cases.submissions import Submission, record_submissions
from shared.db import Database, DatabaseError, Row, UnitOfWork, may_pass_later
from shared.db.retries import ATTEMPTS, is_collision
from shared.errors import Conflict, Invalid, NotFound
from shared.store import outbox

log = structlog.get_logger()

_WINDOW = 2 * MAX_ROW_BYTES
_VALUE_CHARACTERS = 200
"""Characters of a bad value in the error file."""
_RECORD_BYTES = 65_536
"""The longest part of a rejected row that its error keeps."""
_REFUSED_DATA = ("22", "23")
"""SQLSTATE classes "data exception" and "integrity constraint violation": the database refuses this very row."""


_BLANK = bytes(byte if byte in b"\r\n" else 0x20 for byte in range(256))


class PartMissing(Invalid):
    """The stored file has a gap: no row after it can be read."""


async def get_import(work: UnitOfWork, tenant: str, import_id: UUID) -> Row:
    """An import and its progress. Raises NotFound."""
    job = await store.read(work, tenant, import_id)
    if job is None:
        raise NotFound(f"there is no import {import_id}")
    return job


async def resume_import(work: UnitOfWork, tenant: str, import_id: UUID) -> Row:
    """Continue a failed import where it stopped; a running one is not changed.

    Raises NotFound, and Conflict for an import that is done.
    """
    job = await store.read(work, tenant, import_id, lock=True)
    if job is None:
        raise NotFound(f"there is no import {import_id}")
    if job["state"] == "done":
        raise Conflict("this import is done")
    if job["state"] == "failed":
        await store.set_state(work, tenant, import_id, "running")
    return await get_import(work, tenant, import_id)


async def import_next_page(database: Database, normaliser: ContactNormaliser, page: int, outbox_limit: int) -> int:
    """Import a page of the import that waited longest; 0 when there is none, or the outbox is not short.

    One that fails for now has to wait like one that had its turn, and the next one is imported. Raises its error where
    no other could be imported. Abandoned uploads are deleted.
    """
    async with database.worker() as work:
        waiting = await store.longest_waiting(work)
        abandoned = await store.abandoned_uploads(work)
        may_publish = await outbox.is_short(work, outbox_limit) if waiting else False
    for tenant, import_id in abandoned:
        async with database.worker([tenant]) as work:
            await store.delete_upload(work, tenant, import_id)
    if not may_publish:
        return 0
    failure: Exception | None = None
    for tenant, import_id in waiting:
        try:
            if await _import_page(database, tenant, import_id, normaliser, page):
                return 1
        except Exception as error:
            log.error("import.failed", tenant=tenant, import_id=str(import_id), exc_info=error)
            # Raises as well, and ends the round, where the database is away.
            async with database.worker([tenant]) as work:
                if may_pass_later(error):
                    await store.postpone(work, tenant, import_id)
                else:
                    await store.set_state(work, tenant, import_id, "failed", _failure_of(error))
            failure = error if may_pass_later(error) else failure
    if failure is not None:
        raise failure
    return 0


def _failure_of(error: Exception) -> str:
    return error.detail if isinstance(error, Invalid) else f"a defect in this service: {type(error).__name__}"


async def _import_page(
    database: Database, tenant: str, import_id: UUID, normaliser: ContactNormaliser, page: int
) -> bool:
    """Import up to `page` rows; False when another worker has the import.

    When the rows cannot be taken, the page is made ever smaller, down to the one row that is to blame. So it is when
    they collide again and again: what they collide with may be each other.
    """
    size = page
    attempt = 0
    while True:
        try:
            async with database.worker([tenant]) as work:
                job = await store.lock_running(work, tenant, import_id)
                if job is None:
                    return False
                await _record_page(work, job, normaliser, size)
                return True
        except PartMissing:
            raise
        except Exception as error:
            if is_collision(error) and attempt < ATTEMPTS:
                attempt += 1
            elif size > 1 and (is_collision(error) or not may_pass_later(error)):
                size, attempt = max(1, size // 10), 0
            elif may_pass_later(error):
                raise
            else:
                log.error("import.row_refused", tenant=tenant, import_id=str(import_id), exc_info=error)
                await _reject_row(database, tenant, import_id, _reason_of(error))
                return True


def _reason_of(error: Exception) -> str:
    """Why a row that looked right could not be taken, as a sentence for people that does not repeat its values."""
    if isinstance(error, Invalid):
        return error.detail
    if isinstance(error, DatabaseError) and error.sqlstate[:2] in _REFUSED_DATA:
        return "cannot be stored as it is"
    return f"could not be taken, by a defect in this service: {type(error).__name__}"


async def _reject_row(database: Database, tenant: str, import_id: UUID, reason: str) -> None:
    """Add the next row, which cannot be taken whatever is tried, to the errors, and continue after it."""
    async with database.worker([tenant]) as work:
        job = await store.lock_running(work, tenant, import_id)
        if job is not None:
            records, _ = await _next_records(work, job)
            record = next(records)
            error = store.RowError(record.line, None, "", reason, record=record.raw[:_RECORD_BYTES])
            await store.insert_errors(work, job, [error])
            await _advance(work, job, record, read=1, taken=0)


async def _record_page(work: UnitOfWork, job: Row, normaliser: ContactNormaliser, size: int) -> None:
    found, ended = await _next_records(work, job)
    records = list(islice(found, size))
    if not records and not ended:
        raise PartMissing("a part of the uploaded file is missing; upload it again")
    if not records:
        await store.finish(work, job)
        return
    errors: list[store.RowError] = []
    valid: list[tuple[Record, Submission, list[FieldError]]] = []
    for record in records:
        if record.values is None:
            errors.append(store.RowError(record.line, None, "", record.reason, record=record.raw[:_RECORD_BYTES]))
            continue
        contact, field_errors = normalise(_submission(job, record.values), normaliser)
        if contact is None:
            found_errors = [_row_error(record, error, job["mapping"]) for error in field_errors]
            errors += [found_errors[0]._replace(record=record.raw[:_RECORD_BYTES]), *found_errors[1:]]
        else:
            valid.append((record, Submission(job["tenant_id"], contact, job["created_on"]), field_errors))
    results = await record_submissions(work, [submission for _, submission, _ in valid])
    for (record, _, field_errors), result in zip(valid, results, strict=True):
        errors += [
            _row_error(record, error, job["mapping"], result.lead.lead_id)
            for error in (*field_errors, *result.warnings)
        ]
    await store.insert_errors(work, job, sorted(errors, key=lambda error: error.line))
    await _advance(work, job, records[-1], read=len(records), taken=len(valid))


def _submission(job: Row, values: Mapping[str, Any]) -> dict[str, Any]:
    return read_row(values, job["mapping"], job["source"], is_table=job["layout"]["format"] == "csv")


async def _next_records(work: UnitOfWork, job: Row) -> tuple[Iterator[Record], bool]:
    """The records from the import's position on, none at the end of the file, and whether that was reached.

    A spreadsheet writes a million rows of delimiters: no record may be in a window, but behind it.
    """
    layout = Layout(**job["layout"])
    place = job["position"], job["line"]
    while True:
        position, line = place
        window, ended = await _window(work, job, position)
        records = read_records(window, layout, position, line, ended=ended)
        try:
            return chain([next(records)], records), ended
        except StopIteration as stop:
            place = stop.value
        if place[0] >= job["size"]:
            return iter(()), True
        if place[0] == position:
            long = await _long_line(work, job, layout, position, line) if is_long_line(window) else None
            return iter(() if long is None else (long,)), False


async def _long_line(work: UnitOfWork, job: Row, layout: Layout, position: int, line: int) -> Record | None:
    """The record that a long line is; None where a part of the file is missing."""
    long = LongLine(layout, position, line)
    at_end = False
    while not at_end:
        window, ended = await _window(work, job, long.offset)
        if not window:
            return None
        at_end = long.pass_over(window, ended=ended)
    window, ended = await _window(work, job, long.offset)
    return long.record(window, ended=ended)


async def _window(work: UnitOfWork, job: Row, position: int) -> tuple[bytes, bool]:
    """A window of the file, and whether it reaches the file's end."""
    window = await store.window(work, job["tenant_id"], job["import_id"], position, _WINDOW)
    return window, position + len(window) >= job["size"]


async def forget_rows(work: UnitOfWork, tenant: str, person: Person, normaliser: ContactNormaliser) -> None:
    """Blank the rows about a person in the files of imports that are not done: the worker skips blank lines."""
    for import_id in await store.unread_with(work, tenant, person):
        job = await store.lock_unread(work, tenant, import_id)
        if job is None:
            continue
        # What stands before the first unread row is never read again.
        await store.overwrite(work, job, job["position"] - job["position"] % store.CHUNK, _blank(job["position"]))
        while records := list((await _next_records(work, job))[0]):
            places = await store.records_with(work, [record.raw for record in records], person)
            for record in await asyncio.to_thread(
                _about, [records[place] for place in places], job, person, normaliser
            ):
                begin = record.next_offset - len(record.raw)
                await store.overwrite(work, job, begin, record.raw.translate(_BLANK))
            job = {**job, "position": records[-1].next_offset, "line": records[-1].next_line}


def _about(records: Sequence[Record], job: Row, person: Person, normaliser: ContactNormaliser) -> list[Record]:
    """The rows that would capture the person anew; of those without an address that can be read, the ones that name
    the person's.

    Many rows may have the phone of a switchboard: where the e-mail decides, nothing else is read.
    """
    return [record for record in records if _is_about(record, job, person, normaliser)]


def _is_about(record: Record, job: Row, person: Person, normaliser: ContactNormaliser) -> bool:
    is_theirs: bool | None = None
    if record.values is not None:
        submission = _submission(job, record.values)
        fields, _, _ = read_fields({"email": submission.get("email")}, normaliser)
        is_theirs = person.is_row(fields or read_fields(submission, normaliser)[0])
    return person.is_in(record.raw) if is_theirs is None else is_theirs


def _blank(position: int) -> bytes:
    return b" " * (position % store.CHUNK)


async def _advance(work: UnitOfWork, job: Row, last: Record, *, read: int, taken: int) -> None:
    if last.next_offset // store.CHUNK > job["position"] // store.CHUNK:
        await store.delete_chunks_before(work, job, last.next_offset)
    await store.advance(
        work,
        job,
        position=last.next_offset,
        line=last.next_line,
        read=read,
        taken=taken,
        rejected=read - taken,
    )


def _row_error(
    record: Record, error: FieldError, mapping: Mapping[str, str], lead_id: UUID | None = None
) -> store.RowError:
    column = mapping.get(error.field, error.field)
    return store.RowError(record.line, column, error.value[:_VALUE_CHARACTERS], error.message, lead_id)
