"""The preview of an import: what a file would become, without storing anything."""

import asyncio
from collections import Counter
from dataclasses import asdict
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Any

from services.capture.rules.contact import ContactNormaliser, normalise
from services.capture.rules.field_mapping import guess_mapping, read_mapping, read_row, unmapped, unmapped_names
from services.capture.rules.records import Layout, NotText, read_layout, read_records
from services.capture.use_cases.uploads import HEAD, TextOf, Upload
from shared.errors import Invalid, UnsupportedMedia

_READ = 200
"""Rows that are looked at."""
_SHOWN = 20


async def preview(file: IO[bytes], upload: Upload, text_of: TextOf, normaliser: ContactNormaliser) -> dict[str, Any]:
    """What `schemas.imports.ImportPreviewOut` shows of a file.

    Raises UnsupportedMedia or Invalid for one that cannot be read.
    """
    return await asyncio.to_thread(_preview, file, upload, text_of, normaliser)


def _preview(file: IO[bytes], upload: Upload, text_of: TextOf, normaliser: ContactNormaliser) -> dict[str, Any]:
    with TemporaryFile() as scratch:
        try:
            text, was = text_of(file, upload.encoding, scratch)
            text.seek(0)
            head = text.read(HEAD)
            ended = not text.read(1)
            layout = read_layout(head, name=upload.name, was=was)
        except NotText as error:
            raise UnsupportedMedia(str(error)) from None
        except ValueError as error:
            raise Invalid(str(error), [{"field": "file", "message": str(error)}]) from None
    mapping, problems = _mapping(upload, layout)
    rows: list[dict[str, Any]] = []
    reasons: Counter[str] = Counter()
    taken = 0
    records = read_records(head[layout.start :], layout, layout.start, layout.line, ended=ended)
    for record in islice(records, _READ):
        errors = [{"field": "", "message": record.reason}] if record.values is None else []
        warnings: list[dict[str, str]] = []
        lead: dict[str, Any] | None = None
        if record.values is not None:
            row = read_row(record.values, mapping, upload.source, is_table=layout.format == "csv")
            contact, found = normalise(row, normaliser)
            notes = [{"field": error.field, "message": error.message} for error in found]
            if contact is None:
                errors = notes
            else:
                warnings, taken = notes, taken + 1
                lead = {"source": contact.source, **contact.fields}
                lead |= {"external_id": contact.external_id} if contact.external_id else {}
                lead |= {"attributes": dict(contact.attributes)} if contact.attributes else {}
                lead |= {"consent": dict(contact.consent.channels)} if contact.consent else {}
        reasons.update(f"{error['field']} {error['message']}".strip() for error in errors)
        rows.append({"line": record.line, "lead": lead, "errors": errors, "warnings": warnings})
    problems += [f"{count} of {len(rows)} rows: {reason}" for reason, count in reasons.most_common(5)]
    shown = asdict(layout)
    return {
        **{name: shown[name] for name in ("format", "delimiter")},
        "encoding": layout.was,
        "columns": [column for column in layout.columns if column] or list(layout.names),
        "mapping": mapping,
        "unmapped": unmapped(mapping, layout.columns) or unmapped_names(mapping, layout.names),
        "rows": rows[:_SHOWN],
        "read": len(rows),
        "taken": taken,
        "rejected": len(rows) - taken,
        "problems": problems if rows else [*problems, "the file has no rows"],
    }


def _mapping(upload: Upload, layout: Layout) -> tuple[dict[str, str], list[str]]:
    """The mapping, as far as it can be guessed, and what is wrong with it."""
    try:
        return read_mapping(upload.mapping, layout.columns, keep_unmapped=upload.keep_unmapped), []
    except ValueError as error:
        return guess_mapping(layout.columns, {}), [str(error)]
