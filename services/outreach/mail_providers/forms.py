"""Forms as providers post them (RFC 7578, or URL-encoded), with the bytes of each field as they were sent.

Starlette decodes fields, and a mail that is posted in one must stay as it is.
"""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from shared.charsets import text_codec
from shared.errors import Malformed

MOST_FIELDS = 1_000


@dataclass(frozen=True, slots=True)
class File:
    """A file in a form."""

    field: str
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form; of those with the same name, the last."""

    fields: dict[str, bytes] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)

    def text(self, name: str, charset: str = "utf-8") -> str:
        """A field as text, '' where there is none. What cannot be decoded is replaced."""
        return decoded(self.fields.get(name, b""), charset)


def decoded(content: bytes, charset: str) -> str:
    """Bytes as text, in this character set or else in UTF-8."""
    for each in (text_codec(charset) or "utf-8", "utf-8"):
        try:
            return content.decode(each)
        except ValueError:
            continue
    return content.decode("latin-1")


def read_form(body: bytes, content_type: str) -> Form:
    """The form in a body. Malformed when it is none."""
    kind, options = parse_options_header(content_type)
    if kind == b"application/x-www-form-urlencoded":
        return _url_encoded(body)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise Malformed("the body is not a form")
    return _multipart(body, options[b"boundary"])


def _url_encoded(body: bytes) -> Form:
    text = body.decode("ascii", "surrogateescape")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="surrogateescape", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Malformed(f"the form cannot be read: {error}") from None
    return Form({name: value.encode("utf-8", "surrogateescape") for name, value in pairs})


def _multipart(body: bytes, boundary: bytes) -> Form:
    form = Form()
    headers: dict[bytes, bytes] = {}
    name, value, content = bytearray(), bytearray(), bytearray()

    def begin_part() -> None:
        if len(form.fields) + len(form.files) >= MOST_FIELDS:
            raise FormParserError("it has too many fields")
        headers.clear()
        content.clear()

    def end_header() -> None:
        headers[bytes(name).lower()] = bytes(value)
        name.clear()
        value.clear()

    def end_part() -> None:
        _, options = parse_options_header(headers.get(b"content-disposition", b""))
        field_name = options.get(b"name", b"").decode(errors="replace")
        if b"filename" in options:
            file_name = options[b"filename"].decode(errors="replace")
            kind = headers.get(b"content-type", b"").decode("latin-1")
            form.files.append(File(field_name, file_name, kind, bytes(content)))
        else:
            form.fields[field_name] = bytes(content)

    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": begin_part,
            "on_header_field": lambda data, start, end: name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: value.extend(data[start:end]),
            "on_header_end": end_header,
            "on_part_data": lambda data, start, end: content.extend(data[start:end]),
            "on_part_end": end_part,
        },
    )
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise Malformed(f"the form cannot be read: {error}") from None
    return form
