"""Which column of a file says which field of a lead, and how cells leave in a CSV."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.capture.rules.contact import FIELDS

TARGETS = (*FIELDS, "source", "external_id", "owner")
_CONSENT = ("email", "sms", "basis", "source", "at")

_SYNONYMS = {
    "email": "e-mail|mail|email address|e-mail address|work email|business email|contact email",
    "phone": "telephone|tel|phone number|mobile|mobile phone|mobile number|cell|cell phone|work phone",
    "first_name": "first name|firstname|given name|forename",
    "last_name": "last name|lastname|surname|family name",
    "full_name": "name|full name|contact|contact name",
    "company": "company name|organisation|organization|account|account name|employer",
    "job_title": "job title|title|position|role",
    "website": "url|web|web site|homepage|company website",
    "country": "country code|country name",
    "timezone": "time zone|tz",
    "external_id": "id|external id|record id|crm id|lead id",
    "source": "lead source",
    "campaign": "utm_campaign|campaign name",
    "owner": "lead owner|assigned to",
}
_NAMES = {
    spelling.replace("_", " "): target
    for target in TARGETS
    for spelling in (target, *_SYNONYMS.get(target, "").split("|"))
    if spelling
}


def is_target(name: str) -> bool:
    """Whether a mapping may fill it: a field of the lead, `consent.<part>` or `attributes.<name>`."""
    head, _, rest = name.partition(".")
    return name in TARGETS or (head == "consent" and rest in _CONSENT) or (head == "attributes" and bool(rest))


def read_mapping(given: Mapping[str, Any], columns: Sequence[str]) -> dict[str, str]:
    """Lead field -> column (or path in a JSON record), from what the caller says and, besides, what the header says.

    The caller may write it either way round: `{"email": "Mail"}` or `{"Mail": "email"}`. Raises ValueError where it
    names no field, or a column that is not there.
    """
    pairs = {str(key): str(value) for key, value in given.items() if value not in (None, "")}
    if pairs and not all(map(is_target, pairs)):
        if not all(map(is_target, pairs.values())):
            unknown = sorted(name for name in pairs if not is_target(name))
            raise ValueError(f"names no field of a lead: {', '.join(unknown)}")
        pairs = {target: column for column, target in pairs.items()}
    if not columns:
        return pairs
    if missing := sorted(set(pairs.values()) - set(columns)):
        raise ValueError(f"the file has no column {', '.join(missing)}; it has {', '.join(filter(None, columns))}")
    mapping = dict(pairs)
    for column in columns:
        target = target_of(column)
        if target is not None and target not in mapping and column not in pairs.values():
            mapping[target] = column
    if "email" not in mapping and "phone" not in mapping:
        raise ValueError("no column gives an e-mail or a phone; name one in `mapping`")
    return mapping


def target_of(column: str) -> str | None:
    """The field that a header names by itself, or None."""
    name = column.strip()
    if is_target(name.casefold()):
        return name.casefold() if not name.casefold().startswith("attributes.") else f"attributes.{name[11:]}"
    spelled = " ".join(name.casefold().replace("_", " ").split())
    if spelled in ("consent email", "consent sms", "email consent", "sms consent"):
        return "consent.email" if "email" in spelled else "consent.sms"
    return _NAMES.get(spelled)


def read_row(values: Mapping[str, Any], mapping: Mapping[str, str], source: str) -> dict[str, Any]:
    """The submission that a record makes; `source` counts where the record says none.

    A record of JSON without a mapping is read by the names of the fields themselves.
    """
    given: dict[str, Any] = {"source": source}
    consent: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    if isinstance(values.get("consent"), Mapping):
        consent |= values["consent"]
    if isinstance(values.get("attributes"), Mapping):
        attributes |= values["attributes"]
    taken = {*mapping, *mapping.values()}
    named = {target: target for target in TARGETS if target in values and target not in taken}
    for target, column in (named | dict(mapping)).items():
        value = _at(values, column)
        if value is None or value == "":
            continue
        head, _, part = target.partition(".")
        if head == "attributes":
            attributes[part] = value
        elif head == "consent":
            consent[part] = value
        else:
            given[target] = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if consent:
        given["consent"] = consent
    if attributes:
        given["attributes"] = attributes
    return given


def _at(values: Mapping[str, Any], path: str) -> Any:
    if path in values:
        return values[path]
    found: Any = values
    for part in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def neutral(cell: str) -> str:
    """A cell that no spreadsheet runs: what begins like a formula gets an apostrophe in front."""
    return f"'{cell}" if cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")) else cell


def neutral_row(cells: Iterable[object]) -> list[str]:
    return [neutral("" if cell is None else str(cell)) for cell in cells]
