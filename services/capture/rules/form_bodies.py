"""Forms as other systems post them: `application/x-www-form-urlencoded` and `multipart/form-data`."""

from collections.abc import Iterable, Mapping
from json import JSONDecodeError
from typing import Any
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import FormParser, parse_options_header

from shared.charsets import text_codec
from shared.strict_json import is_too_deep, read_json, without_zeros

_URLENCODED = b"application/x-www-form-urlencoded"
_MULTIPART = b"multipart/form-data"
_MOST_FIELDS = 1_000
_TOO_MANY = f"the form has more than {_MOST_FIELDS} fields"
_CANNOT_BE_READ = "the form cannot be read"


def is_form(content_type: str) -> bool:
    return parse_options_header(content_type)[0] in (_URLENCODED, _MULTIPART)


def read_form(body: bytes, content_type: str) -> Mapping[str, Any]:
    """The fields of a form, without its files. Raises ValueError with a sentence for people.

    A field that holds a JSON object is that object: senders that post forms put what they have to say into one of them
    (Slack `payload`, Jotform `rawRequest`, Unbounce `data.json`).
    """
    kind, options = parse_options_header(content_type)
    pairs = _urlencoded(body) if kind == _URLENCODED else _multipart(body, options.get(b"boundary", b""))
    declared = text_codec(options.get(b"charset", b"").decode("ascii", "replace"))
    try:
        return {_text(name, declared): _value(_text(value, declared)) for name, value in pairs}
    except UnicodeDecodeError:
        raise ValueError(f"{_CANNOT_BE_READ}: it is not in the character set that it names") from None


def _urlencoded(body: bytes) -> Iterable[tuple[bytes, bytes]]:
    try:
        pairs = parse_qsl(body.decode("latin-1"), True, encoding="latin-1", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise ValueError(_TOO_MANY) from None
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]


def _multipart(body: bytes, boundary: bytes) -> Iterable[tuple[bytes, bytes]]:
    fields: list[tuple[bytes, bytes]] = []

    def keep(field: Any) -> None:
        if len(fields) >= _MOST_FIELDS:
            raise ValueError(_TOO_MANY)
        fields.append((field.field_name or b"", field.value or b""))

    in_memory = {"MAX_MEMORY_FILE_SIZE": len(body)}
    try:
        parser = FormParser("multipart/form-data", keep, lambda file: file.close(), boundary=boundary, config=in_memory)
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise ValueError(_CANNOT_BE_READ) from None
    return fields


def _text(raw: bytes, declared: str) -> str:
    """In the character set that the sender names; else UTF-8, or what old senders write instead."""
    if declared:
        return raw.decode(declared)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _value(text: str) -> Any:
    if text[:1] != "{":
        return text
    raw = without_zeros(text.encode())
    try:
        value = read_json(raw)
    except JSONDecodeError:
        return text
    return text if is_too_deep(raw, value) else value
