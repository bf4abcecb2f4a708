"""The documents for other systems in docs/events/, generated from the event models, compared by tests."""

from pathlib import Path
from typing import Any

import orjson

from shared.events.documents.asyncapi import document
from shared.events.documents.compatibility import breaks
from shared.events.documents.page import page
from shared.events.documents.samples import samples
from shared.events.documents.schemas import schemas

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "events"
RELEASED = "released"
"""The folder of the schemas that others have built on; it changes with `python -m shared.events --release` only."""
_GENERATED = ("schemas", "samples")
"""Folders that hold nothing else; beside them are pages that people write."""


def documents() -> dict[str, str]:
    """Every generated file: its path below docs/events, and its text."""
    made = {"README.md": page(), "asyncapi.json": as_text(document())}
    made |= {f"schemas/{name}.json": as_text(schema) for name, schema in schemas().items()}
    for sample in samples().values():
        made[f"samples/{sample.topic}.{sample.envelope.version}.json"] = as_text(sample.to_json())
    return made


def as_text(value: Any) -> str:
    """JSON as it is checked in: indented, in the order of the models."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def stale(folder: Path = FOLDER) -> list[str]:
    """Files that differ from the models, are missing, or are left over; empty when all are up to date."""
    wanted = documents()
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    present = {
        name.as_posix(): path.read_text()
        for name, path in files.items()
        if name.parts[0] in _GENERATED or name.as_posix() in wanted
    }
    return sorted(path for path in wanted.keys() | present.keys() if wanted.get(path) != present.get(path))


def write(folder: Path = FOLDER) -> list[str]:
    """Bring the folder up to date; what was written or removed."""
    wanted, changed = documents(), stale(folder)
    for path in changed:
        if path in wanted:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(wanted[path])
        else:
            (folder / path).unlink()
    return changed


def broken_promises(folder: Path = FOLDER) -> list[str]:
    """How the present schemas break what was released; empty when they do not."""
    present = schemas()
    problems: list[str] = []
    for path in sorted((folder / RELEASED).glob("*.json")):
        if path.stem in present:
            problems += [f"{path.stem}: {what}" for what in breaks(orjson.loads(path.read_bytes()), present[path.stem])]
        else:
            problems.append(
                f"{path.stem}: is no longer published; a new major version must be added beside the old one"
            )
    return problems


def release(folder: Path = FOLDER) -> list[str]:
    """Promise the present schemas: freeze them. ValueError while they break an earlier promise."""
    if problems := broken_promises(folder):
        raise ValueError("\n".join(problems))
    (folder / RELEASED).mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (folder / RELEASED / f"{name}.json").write_text(as_text(schema))
    return sorted(schemas())
