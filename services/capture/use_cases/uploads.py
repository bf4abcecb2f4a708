"""The upload of a file of leads: it is checked, stored in chunks, and then left to the import worker."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from tempfile import TemporaryFile
from typing import IO, Any, Protocol
from uuid import UUID

from services.capture.rules.field_mapping import read_mapping
from services.capture.rules.records import Layout, NotText, read_layout
from services.capture.store import imports as store
from shared.db import Database, IntegrityError
from shared.errors import Conflict, Invalid, UnsupportedMedia
from shared.ids import uuid7
from shared.text import clean

HEAD = 262_144
"""Bytes at the beginning of a file in which its header must be."""
_CHUNKS_AT_ONCE = 16
_NAME_CHARACTERS = 200
_UNDER_WAY = timedelta(minutes=1)
"""For so long after its last chunk an upload may still be under way: its chunks are on our disk already."""


class TextOf(Protocol):
    """Makes UTF-8 text of an uploaded file: `gateways.uploaded_files.text_of`."""

    def __call__(self, file: IO[bytes], encoding: str, scratch: IO[bytes]) -> tuple[IO[bytes], str]: ...


@dataclass(frozen=True, slots=True)
class Upload:
    """The fields of a request that describe its file. `encoding`: "" where the file is to say it itself.

    `keep_unmapped`: columns that no field takes become attributes.
    """

    name: str
    source: str
    mapping: Mapping[str, Any]
    encoding: str
    keep_unmapped: bool
    idempotency_key: str | None


async def start_import(
    database: Database, tenant: str, actor: str, file: IO[bytes], upload: Upload, text_of: TextOf
) -> UUID:
    """Store a file for the import worker; the import's id. A repeated Idempotency-Key gives the first import's id.

    `file` is on disk already. Reading it waits for the disk only, so that is done in threads.

    Raises UnsupportedMedia or Invalid for a file, or a mapping, that cannot be read, and Conflict while another request
    with the same Idempotency-Key is uploading.
    """
    with TemporaryFile() as scratch:
        text, layout, mapping = await asyncio.to_thread(_read, file, upload, text_of, scratch)
        return await _store(database, tenant, actor, upload, text, layout, mapping)


def _read(
    file: IO[bytes], upload: Upload, text_of: TextOf, scratch: IO[bytes]
) -> tuple[IO[bytes], Layout, dict[str, str]]:
    """The file as text, how it is written, and which column fills which field."""
    try:
        text, was = text_of(file, upload.encoding, scratch)
        text.seek(0)
        layout = read_layout(text.read(HEAD), name=upload.name, was=was)
        return text, layout, read_mapping(upload.mapping, layout.columns, keep_unmapped=upload.keep_unmapped)
    except NotText as error:
        raise UnsupportedMedia(str(error)) from None
    except ValueError as error:
        raise Invalid(str(error), [{"field": "file", "message": str(error)}]) from None


async def _store(
    database: Database,
    tenant: str,
    actor: str,
    upload: Upload,
    text: IO[bytes],
    layout: Layout,
    mapping: Mapping[str, str],
) -> UUID:
    size, rows, digest = await asyncio.to_thread(_measure, text, layout, upload)
    known = await _import_of_key(database, tenant, upload.idempotency_key, digest)
    if known is not None:
        return known
    new = store.NewImport(
        import_id=uuid7(),
        source=upload.source,
        file_name=clean(upload.name)[:_NAME_CHARACTERS],
        mapping=mapping,
        layout=asdict(layout),
        size=size,
        position=layout.start,
        line=layout.line,
        idempotency_key=upload.idempotency_key,
        request_digest=digest,
        created_by=actor,
    )
    try:
        async with database.tenant(tenant) as work:
            await store.insert(work, tenant, new)
    except IntegrityError:
        raise Conflict("an import with this Idempotency-Key is being uploaded") from None
    await _store_chunks(database, tenant, new.import_id, text)
    async with database.tenant(tenant) as work:
        await store.begin(work, tenant, new.import_id, rows)
    return new.import_id


def _measure(file: IO[bytes], layout: Layout, upload: Upload) -> tuple[int, int, bytes]:
    """The size in bytes, an estimate of the rows (line ends outside of quotes), and a digest of the whole request."""
    mapping = sorted((str(key), str(value)) for key, value in upload.mapping.items())
    digest = hashlib.sha256(repr((upload.source, mapping, upload.encoding, upload.keep_unmapped)).encode())
    size, rows, quotes, last = 0, 0, 0, b"\n"
    file.seek(0)
    while chunk := file.read(store.CHUNK):
        digest.update(chunk)
        size += len(chunk)
        last = chunk[-1:]
        if layout.format == "ndjson":
            rows += chunk.count(b"\n")
            continue
        for part in chunk.split(b'"'):
            rows += 0 if quotes % 2 else part.count(b"\n")
            quotes += 1
        quotes -= 1  # the last part continues in the next chunk
    return size, max(0, rows + (last != b"\n") - (layout.line - 1)), digest.digest()


async def _import_of_key(database: Database, tenant: str, key: str | None, digest: bytes) -> UUID | None:
    """The import that an earlier request with this key has uploaded. One that it gave up some time ago is deleted.

    Raises Invalid for another body, Conflict for an upload that may be under way.
    """
    if key is None:
        return None
    async with database.tenant(tenant) as work:
        job = await store.find_by_key(work, tenant, key)
        if job is None:
            return None
        if job["request_digest"] != digest:
            raise Invalid("this Idempotency-Key was used with another body")
        if job["state"] == "uploading":
            if job["touched_on"] > work.now - _UNDER_WAY:
                raise Conflict("an import with this Idempotency-Key is being uploaded; try again in a minute")
            await store.delete_upload(work, tenant, job["import_id"])
            return None
        import_id: UUID = job["import_id"]
        return import_id


async def _store_chunks(database: Database, tenant: str, import_id: UUID, file: IO[bytes]) -> None:
    file.seek(0)
    number, ended = 0, False
    while not ended:
        chunks: list[bytes] = []
        while len(chunks) < _CHUNKS_AT_ONCE and not ended:
            chunk = await asyncio.to_thread(file.read, store.CHUNK)
            ended = not chunk
            chunks += [chunk] if chunk else []
        async with database.tenant(tenant) as work:
            await store.insert_chunks(work, tenant, import_id, number, chunks)
        number += len(chunks)
