"""The field mapping of an import: which column of a file, or path in a JSON record, fills which field of a lead."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.capture.rules.contact import FIELDS
from services.capture.rules.header_words import FIELD_OF, split_name, squeezed

TARGETS = (*FIELDS, "source", "external_id", "owner")
_GROUPS = ("consent", "attributes")
_CONSENT_PARTS = ("email", "sms", "basis", "source", "at")


def is_target(name: str) -> bool:
    """Whether a mapping may fill it: a field of a lead, `consent.<part>` or `attributes.<name>`."""
    group, _, part = name.partition(".")
    return name in TARGETS or (group == "consent" and part in _CONSENT_PARTS) or (group == "attributes" and bool(part))


REST = "attributes.*"
"""The mapping of all that nothing else takes, each under its own name; its column is `*`."""


def read_mapping(
    requested: Mapping[str, Any], columns: Sequence[str], *, keep_unmapped: bool = False
) -> dict[str, str]:
    """Lead field -> column (or path in a JSON record). Columns that the request leaves out are mapped by their header.

    With `keep_unmapped`, what is left then becomes attributes.

    Both directions are accepted: `{"email": "Mail"}` and `{"Mail": "email"}`. Raises ValueError for an unknown field
    or column, and where no column gives an address.
    """
    pairs = {str(key): str(value) for key, value in requested.items() if value not in (None, "")}
    if pairs and not all(map(is_target, pairs)):
        if not all(map(is_target, pairs.values())):
            unknown = sorted(name for name in pairs if not is_target(name))
            raise ValueError(f"the mapping names no field of a lead: {', '.join(unknown)}")
        pairs = {target: column for column, target in pairs.items()}
    if not columns:
        return pairs | ({REST: "*"} if keep_unmapped else {})
    if missing := sorted(set(pairs.values()) - set(columns)):
        raise ValueError(f"the file has no column {', '.join(missing)}; it has {', '.join(filter(None, columns))}")
    mapping = guess_mapping(columns, pairs)
    if "email" not in mapping and "phone" not in mapping:
        raise ValueError("no column gives an e-mail or a phone; name one in `mapping`")
    if keep_unmapped:
        mapping |= {f"attributes.{column}": column for column in unmapped(mapping, columns)}
    return mapping


def guess_mapping(columns: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Lead field -> column: what is given, and for the other fields the first column whose header names them.

    A name beside a column with one half of it is the other half.
    """
    mapping = dict(given)
    for column in columns:
        target = target_of(column) if column else None
        if target is not None and target not in mapping and column not in given.values():
            mapping[target] = column
    if "full_name" not in given and (half := split_name(mapping)) is not None:
        mapping[half] = mapping.pop("full_name")
    return mapping


def unmapped(mapping: Mapping[str, str], columns: Sequence[str]) -> list[str]:
    """The columns of a CSV file that no field takes."""
    taken = set(mapping.values())
    return [column for column in columns if column and column not in taken]


def unmapped_names(mapping: Mapping[str, str], names: Sequence[str]) -> list[str]:
    """The names in JSON records that no field takes."""
    if REST in mapping:
        return []
    taken = {path.partition(".")[0] for path in mapping.values()} | {*mapping.values(), *TARGETS, *_GROUPS}
    return [name for name in names if name not in taken]


def target_of(column: str) -> str | None:
    """The field that a column's header names in one of seven languages, or None. Case and spacing do not matter."""
    name = column.strip()
    if is_target(name.casefold()):
        return name.casefold() if not name.casefold().startswith("attributes.") else f"attributes.{name[11:]}"
    return FIELD_OF.get(squeezed(name))


def read_row(
    values: Mapping[str, Any], mapping: Mapping[str, str], source: str, *, is_table: bool = False
) -> dict[str, Any]:
    """The submission in a record, as `rules.contact.normalise` reads it. `source` counts where the record has none.

    Fields of a JSON record that the mapping leaves out are found under their own names, whatever their type; of a
    table, only the columns that are mapped.
    """
    submission: dict[str, Any] = {"source": source}
    consent: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    mapped = {*mapping, *mapping.values()}
    for name, parts in (("consent", consent), ("attributes", attributes)):
        if isinstance(values.get(name), Mapping):
            parts |= values[name]
        elif name in values and name not in mapped and not is_table:
            submission[name] = values[name]
    rest_without = {*mapped, *(path.partition(".")[0] for path in mapping.values()), *TARGETS, *_GROUPS}
    by_own_name = {target: target for target in TARGETS if target in values and target not in mapped}
    for target, column in (by_own_name | dict(mapping)).items():
        if target == REST:
            attributes |= {name: value for name, value in values.items() if name not in rest_without}
            continue
        value = _value_at(values, column)
        if value is None or value == "":
            continue
        group, _, part = target.partition(".")
        if group == "attributes":
            attributes[part] = value
        elif group == "consent":
            consent[part] = value
        else:
            submission[target] = value
    if consent:
        submission["consent"] = consent
    if attributes:
        submission["attributes"] = attributes
    return submission


def _value_at(values: Mapping[str, Any], path: str) -> Any:
    if path in values:
        return values[path]
    found: Any = values
    for key in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found
