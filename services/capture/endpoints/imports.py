"""Routes of imports: upload, progress, errors and warnings."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping
from json import JSONDecodeError
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Request
from fastapi.responses import StreamingResponse
from starlette.datastructures import FormData, UploadFile

from services.capture.endpoints.leads import Normaliser
from services.capture.gateways.uploaded_files import text_of
from services.capture.rules.field_mapping import unmapped, unmapped_names
from services.capture.rules.records import ERROR_COLUMNS, Layout, cells_of
from services.capture.schemas.imports import ImportErrorOut, ImportOut, ImportPreviewOut, ImportWarningOut
from services.capture.store import imports as store
from services.capture.use_cases import imports as use_cases
from services.capture.use_cases.previews import preview
from services.capture.use_cases.uploads import Upload
from services.capture.use_cases.uploads import start_import as store_upload
from shared.db import Row, UnitOfWork
from shared.errors import Invalid, UnsupportedMedia
from shared.http import (
    Limit,
    Operator,
    Page,
    Principal,
    Router,
    TenantWork,
    ViewerOrService,
    decode_cursor,
    encode_cursor,
)
from shared.http.csv_injection import neutralise_row
from shared.http.pages import number
from shared.limits import MAX_SOURCE
from shared.service import Service
from shared.strict_json import read_json
from shared.text import clean

router = Router(tags=["imports"])

_CSV_PAGE = 1_000
_CSV = {"text/csv": {"schema": {"type": "string"}}}
_NDJSON = {"application/x-ndjson": {"schema": {"type": "string"}}}
_UNMAPPED = ("leave_out", "attributes")
"""What becomes of columns that no field takes."""
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "CSV, NDJSON or .xlsx, of any size",
                        },
                        "source": {"type": "string", "default": "import"},
                        "mapping": {
                            "type": "string",
                            "description": 'JSON: {"email": "Mail", "attributes.plan": "Plan"}',
                        },
                        "encoding": {"type": "string", "description": "Recognised where it is not given"},
                        "unmapped": {"type": "string", "enum": list(_UNMAPPED), "default": "leave_out"},
                    },
                }
            }
        },
    }
}


@router.post("/imports", status_code=202, openapi_extra=_FORM)
async def start_import(
    request: Request,
    principal: Operator,
    idempotency_key: Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)] = None,
) -> ImportOut:
    """Upload a file of leads, which a worker then imports. Follow it with `GET /v1/imports/{id}`.

    The answer says how the file is read: its encoding, which column fills which field, and which columns no field
    takes. With `unmapped: attributes` those become attributes of the leads.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise UnsupportedMedia("send the file as multipart/form-data: file, source, mapping, encoding, unmapped")
    service: Service = request.app.state.service
    # Read here and not by a parameter, so that a request without a token is refused before its body is read.
    async with request.form(max_files=1, max_fields=10) as form:
        upload, file = _upload(form, idempotency_key)
        import_id = await store_upload(service.database, principal.tenant, principal.actor, file.file, upload, text_of)
    async with service.database.tenant(principal.tenant) as work:
        job = await use_cases.get_import(work, principal.tenant, import_id)
    service.wake("imports")
    return _out(job)


@router.post("/imports/preview", openapi_extra=_FORM)
async def preview_import(request: Request, principal: Operator, normaliser: Normaliser) -> ImportPreviewOut:
    """How a file would be read: its encoding and columns, the mapping, its first rows as leads, and what is wrong.

    Nothing is stored. The beginning of a large file is enough.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise UnsupportedMedia("send the file as multipart/form-data: file, source, mapping, encoding, unmapped")
    async with request.form(max_files=1, max_fields=10) as form:
        upload, file = _upload(form, None)
        return ImportPreviewOut.model_validate(
            await preview(file.file, upload, text_of, normaliser), from_attributes=True
        )


def _upload(form: FormData, idempotency_key: str | None) -> tuple[Upload, UploadFile]:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise _invalid("file", "is missing")
    upload = Upload(
        name=file.filename or "",
        source=_source(form.get("source")),
        mapping=_mapping(form.get("mapping")),
        encoding=clean(form.get("encoding")),
        keep_unmapped=_unmapped(form.get("unmapped")) == "attributes",
        idempotency_key=idempotency_key,
    )
    return upload, file


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", [{"field": field, "message": message}])


def _unmapped(raw: object) -> str:
    choice = clean(raw) or _UNMAPPED[0]
    if choice not in _UNMAPPED:
        raise _invalid("unmapped", f"is one of {', '.join(_UNMAPPED)}")
    return choice


def _source(raw: object) -> str:
    source = clean(raw) or "import"
    if len(source) > MAX_SOURCE:
        raise _invalid("source", f"has more than {MAX_SOURCE} characters")
    return source


def _mapping(raw: object) -> Mapping[str, Any]:
    try:
        mapping = read_json(raw.encode()) if isinstance(raw, str) and raw.strip() else {}
    except (JSONDecodeError, UnicodeEncodeError):
        mapping = None
    if not isinstance(mapping, dict):
        raise _invalid("mapping", "is not a JSON object")
    return mapping


@router.get("/imports/{import_id}")
async def get_import(principal: ViewerOrService, work: TenantWork, import_id: UUID) -> ImportOut:
    """The progress of an import."""
    return _out(await use_cases.get_import(work, principal.tenant, import_id))


@router.post("/imports/{import_id}/resume", status_code=202)
async def resume_import(request: Request, principal: Operator, work: TenantWork, import_id: UUID) -> ImportOut:
    """Continue a failed import from the row where it stopped."""
    service: Service = request.app.state.service
    work.after_commit.append(lambda: service.wake("imports"))
    return _out(await use_cases.resume_import(work, principal.tenant, import_id))


@router.get(
    "/imports/{import_id}/errors",
    response_model=Page[ImportErrorOut],
    responses={200: {"content": {**_CSV, **_NDJSON}}},
)
async def list_import_errors(
    request: Request,
    principal: ViewerOrService,
    work: TenantWork,
    import_id: UUID,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Any:
    """The errors of rows that were not taken, in the order of the file; the whole list with `Accept: text/csv`.

    The CSV has each row as it was written behind its first error: correct it there, and upload just that file. The
    rows of an NDJSON file come as they were with `Accept: application/x-ndjson`.
    """
    return await _list(request, principal, work, import_id, limit, cursor, warnings=False)


@router.get("/imports/{import_id}/warnings", response_model=Page[ImportWarningOut], responses={200: {"content": _CSV}})
async def list_import_warnings(
    request: Request,
    principal: ViewerOrService,
    work: TenantWork,
    import_id: UUID,
    limit: Limit = 50,
    cursor: str | None = None,
) -> Any:
    """The bad values that were left out of rows that were taken; the whole list with `Accept: text/csv`."""
    return await _list(request, principal, work, import_id, limit, cursor, warnings=True)


async def _list(
    request: Request,
    principal: Principal,
    work: UnitOfWork,
    import_id: UUID,
    limit: int,
    cursor: str | None,
    *,
    warnings: bool,
) -> Any:
    """The errors or the warnings of an import: a page, or all of them as CSV."""
    job = await use_cases.get_import(work, principal.tenant, import_id)
    accept = request.headers.get("accept", "")
    if "text/csv" in accept:
        return _csv(request, principal.tenant, job, warnings=warnings)
    if "application/x-ndjson" in accept and not warnings:
        service: Service = request.app.state.service
        return StreamingResponse(_ndjson_pages(service, principal.tenant, import_id), media_type="application/x-ndjson")
    after = decode_cursor(cursor, after=number)["after"] if cursor else 0
    rows = await store.page_of_errors(work, principal.tenant, import_id, warnings=warnings, after=after, limit=limit)
    more = encode_cursor({"after": rows[-1]["number"]}) if len(rows) == limit else None
    if warnings:
        items = [ImportWarningOut(**_row(row), lead_id=row["lead_id"]) for row in rows]
        return Page[ImportWarningOut](items=items, next_cursor=more)
    return Page[ImportErrorOut](items=[ImportErrorOut(**_row(row)) for row in rows], next_cursor=more)


def _row(row: Row) -> dict[str, Any]:
    return {name: row["column_name" if name == "column" else name] for name in ERROR_COLUMNS}


def _csv(request: Request, tenant: str, job: Row, *, warnings: bool) -> StreamingResponse:
    name = f"import-{job['import_id']}-{'warnings' if warnings else 'errors'}.csv"
    return StreamingResponse(
        _csv_pages(request.app.state.service, tenant, job, warnings),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _csv_pages(service: Service, tenant: str, job: Row, warnings: bool) -> AsyncIterator[str]:
    """The CSV page by page. Each page has its own transaction, since the list may be long and the client slow.

    Behind the first columns of an error stands the row as it was written, once: corrected, the file is uploaded again.
    """
    layout = Layout(**job["layout"])
    own = [] if warnings or layout.format != "csv" else list(layout.columns[layout.leading :])
    yield _csv_text([[*ERROR_COLUMNS, *(["lead_id"] if warnings else own)]])
    after = 0
    while True:
        async with service.database.tenant(tenant) as work:
            rows = await store.page_of_errors(
                work, tenant, job["import_id"], warnings=warnings, after=after, limit=_CSV_PAGE
            )
        if not rows:
            return
        yield _csv_text(
            [*_row(row).values(), *([row["lead_id"]] if warnings else _cells(row, layout, len(own)))] for row in rows
        )
        after = rows[-1]["number"]


def _cells(row: Row, layout: Layout, width: int) -> list[str]:
    """The values of a row as it was written, at least `width`; more where it has too many, which is its error."""
    values = cells_of(row["record"], layout) if width and row["record"] is not None else []
    return values + [""] * (width - len(values))


def _csv_text(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(map(neutralise_row, rows))
    return text.getvalue()


async def _ndjson_pages(service: Service, tenant: str, import_id: UUID) -> AsyncIterator[bytes]:
    """The rejected rows as they were written, line by line."""
    after = 0
    while True:
        async with service.database.tenant(tenant) as work:
            rows = await store.page_of_errors(work, tenant, import_id, warnings=False, after=after, limit=_CSV_PAGE)
        if not rows:
            return
        yield b"".join(row["record"].rstrip(b"\r\n") + b"\n" for row in rows if row["record"])
        after = rows[-1]["number"]


def _out(job: Row) -> ImportOut:
    layout = Layout(**job["layout"])
    return ImportOut(
        import_id=job["import_id"],
        state=job["state"],
        read=job["rows_read"],
        taken=job["rows_taken"],
        rejected=job["rows_rejected"],
        total=job["rows_total"],
        source=job["source"],
        file=job["file_name"],
        created_on=job["created_on"],
        finished_on=job["finished_on"],
        reason=job["reason"],
        encoding=layout.was,
        mapping=job["mapping"],
        unmapped=unmapped(job["mapping"], layout.columns) or unmapped_names(job["mapping"], layout.names),
    )
