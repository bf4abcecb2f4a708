"""`leadflow import`."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from cli.options import DEFAULT_DATA, DEMO_TENANT, Data, Refused, Tenant, client, refusing

if TYPE_CHECKING:
    import httpx

_POLL = 0.3
_PATIENCE = 60.0
"""Seconds that a service may be away (it is being restarted) before the command gives up."""


@dataclass(frozen=True)
class Outcome:
    """What became of the rows of a file."""

    import_id: str
    state: str
    read: int
    taken: int
    rejected: int
    error_file: Path | None

    def __str__(self) -> str:
        told = f"{self.read} rows read, {self.taken} taken, {self.rejected} rejected"
        return f"{told}; what is wrong with those is in {self.error_file}" if self.error_file else told


Progress = Callable[[str, int, int | None], None]
"""Called with what is under way (`uploading`: bytes, `importing`: rows), how much is done, how much there is."""


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="CSV or NDJSON.")],
    source: Annotated[str, typer.Option("--source", help="The source that the leads get.")] = "import",
    map: Annotated[
        list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="A lead field's column; may be repeated.")
    ] = None,
    tenant: Tenant = DEMO_TENANT,
    data: Data = DEFAULT_DATA,
) -> None:
    """Import leads from a file. Rows that cannot be taken end in FILE.errors.csv beside it, with line and reason.

    After an interruption the same command goes on with the same import.
    """
    from cli.progress import ImportBar

    mapping: dict[str, str] = {}
    for pair in map or []:
        field, equals, column = pair.partition("=")
        if not (field and equals and column):
            raise Refused(f"--map {pair!r} is not of the form FIELD=COLUMN, for example --map email='E-mail address'")
        mapping[field] = column
    with refusing(), ImportBar() as bar:
        outcome = run_import(data, file, source=source, mapping=mapping, tenant=tenant, progress=bar)
    typer.echo(str(outcome))
    if outcome.state != "done":
        raise Refused(f"import {outcome.import_id} is {outcome.state}: the same command goes on with it")


def run_import(
    data: Path, file: Path, *, source: str, mapping: Mapping[str, str], tenant: str, progress: Progress
) -> Outcome:
    """Upload, follow to the end, fetch the error file. Raises NoRun, Refused, and httpx errors for refusals."""
    with client(data, "capture", tenant, "operator") as http:
        record = _record(data, file, tenant, source, mapping)
        import_id = _unfinished(http, record)
        if import_id is None:
            import_id = _upload(http, file, source, mapping, progress)
            record.parent.mkdir(parents=True, exist_ok=True)
            record.write_text(json.dumps({"import_id": import_id}))
        told = _follow(http, import_id, progress)
        if told["state"] == "done":
            record.unlink(missing_ok=True)
        errors = _fetch_errors(http, import_id, file) if told["rejected"] else None
    return Outcome(import_id, told["state"], told["read"], told["taken"], told["rejected"], errors)


def _record(data: Path, file: Path, tenant: str, source: str, mapping: Mapping[str, str]) -> Path:
    """Where the id of an unfinished import of this very file is kept."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256")
    digest.update(json.dumps([tenant, source, sorted(mapping.items())]).encode())
    return data / "imports" / f"{digest.hexdigest()[:32]}.json"


def _unfinished(http: "httpx.Client", record: Path) -> str | None:
    if not record.exists():
        return None
    import_id: str = json.loads(record.read_text())["import_id"]
    answer = http.get(f"/v1/imports/{import_id}")
    if answer.status_code == 404:
        return None
    if answer.raise_for_status().json()["state"] == "failed":
        http.post(f"/v1/imports/{import_id}/resume").raise_for_status()
    return import_id


def _upload(http: "httpx.Client", file: Path, source: str, mapping: Mapping[str, str], progress: Progress) -> str:
    import httpx

    kind = "application/x-ndjson" if file.suffix.lower() in (".ndjson", ".jsonl") else "text/csv"
    with file.open("rb") as content:
        answer = http.post(
            "/v1/imports",
            data={"source": source, "mapping": json.dumps(dict(mapping))},
            files={"file": (file.name, _Counted(content, file.stat().st_size, progress), kind)},  # type: ignore[dict-item]
            timeout=httpx.Timeout(30, read=600),
        )
    import_id: str = answer.raise_for_status().json()["import_id"]
    return import_id


def _follow(http: "httpx.Client", import_id: str, progress: Progress) -> dict[str, Any]:
    import httpx

    answered = time.monotonic()
    while True:
        try:
            answer = http.get(f"/v1/imports/{import_id}")
        except httpx.TransportError:
            # A service that is being restarted goes on with the import: so do we.
            if time.monotonic() - answered > _PATIENCE:
                raise
        else:
            answered = time.monotonic()
            if answer.status_code != 503:
                told: dict[str, Any] = answer.raise_for_status().json()
                progress("importing", told["read"], told.get("total"))
                if told["state"] != "running":
                    return told
        time.sleep(_POLL)


def _fetch_errors(http: "httpx.Client", import_id: str, file: Path) -> Path:
    target = file.with_name(f"{file.name}.errors.csv")
    with http.stream("GET", f"/v1/imports/{import_id}/errors", headers={"Accept": "text/csv"}) as answer:
        answer.raise_for_status()
        with target.open("wb") as out:
            for chunk in answer.iter_bytes():
                out.write(chunk)
    return target


class _Counted:
    """A file that tells how much of it was read."""

    def __init__(self, file: IO[bytes], size: int, progress: Progress) -> None:
        self._file, self._size, self._progress = file, size, progress

    def fileno(self) -> int:
        return self._file.fileno()

    def seek(self, position: int, whence: int = 0) -> int:
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._progress("uploading", self._file.tell(), self._size)
        return chunk
