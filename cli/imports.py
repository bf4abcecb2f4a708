"""`leadflow import`."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from cli.client import http_client
from cli.errors import Refused, refusals
from cli.options import DEFAULT_DATA, DEMO_TENANT, Data, Tenant
from cli.wording import counted

if TYPE_CHECKING:
    import httpx

_POLL_SECONDS = 0.3
_UNREACHABLE_SECONDS = 60.0
"""How long a service may be unreachable (it is being restarted) before the command gives up."""


class Unmapped(StrEnum):
    """What becomes of the columns of a file that no field of a lead takes."""

    leave_out = "leave_out"
    attributes = "attributes"


@dataclass(frozen=True)
class Outcome:
    """The result of an import: how many rows were read, taken and rejected."""

    import_id: str
    state: str
    read: int
    taken: int
    rejected: int
    error_file: Path | None
    unmapped: tuple[str, ...] = ()

    def __str__(self) -> str:
        counts = f"Read {counted(self.read, 'row')}, imported {self.taken} and rejected {self.rejected}."
        return f"{counts} {self.error_file} has the reasons." if self.error_file else counts


Progress = Callable[[str, int, int | None], None]
"""Called with the task (`uploading` counts bytes, `importing` rows), how much of it is done, and the total."""


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="CSV, NDJSON or .xlsx.")],
    source: Annotated[str, typer.Option("--source", help="The source of the leads.")] = "import",
    map: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="The column of a lead's field; may be repeated."),
    ] = None,
    encoding: Annotated[
        str, typer.Option("--encoding", help="The file's encoding, such as windows-1252; recognised by default.")
    ] = "",
    unmapped: Annotated[
        Unmapped, typer.Option("--unmapped", help="What becomes of columns that no field takes.")
    ] = Unmapped.leave_out,
    tenant: Tenant = DEMO_TENANT,
    data: Data = DEFAULT_DATA,
) -> None:
    """Import leads from a file. FILE.errors.csv beside it lists rejected rows with line and reason.

    After an interruption the same command continues the same import.
    """
    from cli.progress import ImportBar

    mapping: dict[str, str] = {}
    for pair in map or []:
        field, equals, column = pair.partition("=")
        if not (field and equals and column):
            raise Refused(f"--map {pair!r} is not of the form FIELD=COLUMN, for example --map email='E-mail address'")
        mapping[field] = column
    form = {"source": source, "mapping": json.dumps(mapping), "encoding": encoding, "unmapped": unmapped.value}
    with refusals(), ImportBar() as bar:
        outcome = run_import(data, file, form=form, tenant=tenant, progress=bar)
    typer.echo(str(outcome))
    if outcome.unmapped:
        names = ", ".join(outcome.unmapped)
        typer.echo(f"No field takes these columns: {names}. With --unmapped attributes they become attributes.")
    if outcome.state != "done":
        raise Refused(f"the import {outcome.import_id} is {outcome.state}; the same command continues it")
    if outcome.read and not outcome.taken:
        raise Refused("no row of the file could be taken")


def run_import(data: Path, file: Path, *, form: Mapping[str, str], tenant: str, progress: Progress) -> Outcome:
    """Upload the file, follow the import to its end, fetch the error file. `form`: the other fields of the request.

    Raises NotRunning, Refused, and httpx errors when capture refuses or does not answer.
    """
    with http_client(data, "capture", tenant, "operator") as http:
        id_file = _id_file(data, file, tenant, form)
        import_id = _resume_unfinished(http, id_file)
        if import_id is None:
            import_id = _upload(http, file, form, progress)
            id_file.parent.mkdir(parents=True, exist_ok=True)
            id_file.write_text(json.dumps({"import_id": import_id}))
        status = _follow(http, import_id, progress)
        error_file = _fetch_errors(http, import_id, file, status["rejected"])
        if status["state"] == "done":
            # Only now: until then the same command continues here, also where the error file could not be written.
            id_file.unlink(missing_ok=True)
    return Outcome(
        import_id,
        status["state"],
        status["read"],
        status["taken"],
        status["rejected"],
        error_file,
        tuple(status["unmapped"]),
    )


def _id_file(data: Path, file: Path, tenant: str, form: Mapping[str, str]) -> Path:
    """Where the id of an unfinished import of the same content, by the same request, is stored."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256")
    digest.update(json.dumps([tenant, sorted(form.items())]).encode())
    return data / "imports" / f"{digest.hexdigest()[:32]}.json"


def _resume_unfinished(http: "httpx.Client", id_file: Path) -> str | None:
    """The id of an unfinished import, resumed if it had failed; None if there is none."""
    if not id_file.exists():
        return None
    import_id: str = json.loads(id_file.read_text())["import_id"]
    response = http.get(f"/v1/imports/{import_id}")
    if response.status_code == 404:
        return None
    if response.raise_for_status().json()["state"] == "failed":
        http.post(f"/v1/imports/{import_id}/resume").raise_for_status()
    return import_id


def _upload(http: "httpx.Client", file: Path, form: Mapping[str, str], progress: Progress) -> str:
    import httpx

    media_type = "application/x-ndjson" if file.suffix.lower() in (".ndjson", ".jsonl") else "text/csv"
    with file.open("rb") as content:
        upload = _ProgressFile(content, file.stat().st_size, progress)
        response = http.post(
            "/v1/imports",
            data=dict(form),
            files={"file": (file.name, upload, media_type)},  # type: ignore[dict-item]
            timeout=httpx.Timeout(30, read=600),
        )
    import_id: str = response.raise_for_status().json()["import_id"]
    return import_id


def _follow(http: "httpx.Client", import_id: str, progress: Progress) -> dict[str, Any]:
    """The status of an import once it is no longer running. Raises httpx errors, also once capture has been away or
    not ready for too long: it may be restarting, and continues the import afterwards."""
    import httpx

    answered_at = time.monotonic()
    while True:
        is_late = time.monotonic() - answered_at > _UNREACHABLE_SECONDS
        try:
            response = http.get(f"/v1/imports/{import_id}")
        except httpx.TransportError:
            if is_late:
                raise
        else:
            if response.status_code != 503 or is_late:
                answered_at = time.monotonic()
                status: dict[str, Any] = response.raise_for_status().json()
                progress("importing", status["read"], status.get("total"))
                if status["state"] != "running":
                    return status
        time.sleep(_POLL_SECONDS)


def _fetch_errors(http: "httpx.Client", import_id: str, file: Path, rejected: int) -> Path | None:
    """Write the error file beside the file; without rejected rows, remove that of an earlier import."""
    target = file.with_name(f"{file.name}.errors.csv")
    try:
        if not rejected:
            target.unlink(missing_ok=True)
            return None
        with http.stream("GET", f"/v1/imports/{import_id}/errors", headers={"Accept": "text/csv"}) as response:
            response.raise_for_status()
            with target.open("wb") as out:
                for chunk in response.iter_bytes():
                    out.write(chunk)
    except OSError as error:
        raise Refused(f"{target} cannot be written: {error.strerror}; the same command tries it again") from error
    return target


class _ProgressFile:
    """A file that reports how much of it was read."""

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
