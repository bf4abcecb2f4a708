"""What may change inside a major version: optional fields and enum values may be added, nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_DOCUMENTATION = frozenset({"$schema", "$id", "$defs", "title", "description", "examples"})
_COMPARED_APART = frozenset({"properties", "required", "x-extensible-enum"})


def breaks(released: Schema, present: Schema) -> list[str]:
    """What would break a reader or a publisher that was built on the released schema; empty when nothing would."""
    return list(_compare("data", released, present, released, present))


def _compare(where: str, old: Any, new: Any, old_root: Schema, new_root: Schema) -> Iterator[str]:
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _compare_schemas(where, old, new, old_root, new_root)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for was, now in zip(old, new, strict=True):
            yield from _compare(where, was, now, old_root, new_root)
    elif old != new:
        yield f"{where}: was {old!r}, is {new!r}"


def _compare_schemas(where: str, old: Schema, new: Schema, old_root: Schema, new_root: Schema) -> Iterator[str]:
    yield from _compare_required(where, old, new)
    yield from _compare_values(where, old, new)
    was, now = old.get("properties", {}), new.get("properties", {})
    for name, schema in was.items():
        if name in now:
            yield from _compare(f"{where}.{name}", schema, now[name], old_root, new_root)
        else:
            yield f"{where}.{name}: was removed"
    for keyword in sorted((old.keys() | new.keys()) - _DOCUMENTATION - _COMPARED_APART):
        if keyword not in old or keyword not in new:
            yield f"{where}: {keyword} {'was added' if keyword in new else 'was removed'}"
        else:
            yield from _compare(f"{where} {keyword}", old[keyword], new[keyword], old_root, new_root)


def _compare_required(where: str, old: Schema, new: Schema) -> Iterator[str]:
    was, now = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(now - was):
        yield f"{where}.{name}: became required, but publishers of today may omit it"
    for name in sorted(was - now):
        yield f"{where}.{name}: became optional, but readers of today rely on it"


def _compare_values(where: str, old: Schema, new: Schema) -> Iterator[str]:
    was, now = old.get("x-extensible-enum"), new.get("x-extensible-enum")
    if was is None and now is None:
        return
    if was is None or now is None:
        yield f"{where}: the list of known values {'was removed' if now is None else 'was added'}"
        return
    for value in was:
        if value not in now:
            yield f"{where}: the value {value!r} was removed"


def _resolved(schema: Any, root: Schema) -> Any:
    """The schema that a reference names; the name of a part does not matter."""
    if isinstance(schema, Mapping) and "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        return {**root["$defs"][name], **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema
