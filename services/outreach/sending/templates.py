"""Templates: the language in which they are written, and filling in one that a human approved in advance.

An approval names the SHA-256 of channel, subject, body and the list of fields. The dispatch stores the values; the
sender fills them in again and compares.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson
import rfc8785
from jinja2 import TemplateError, Undefined, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.outreach.sending.message import BREAK, MAX_BODY
from shared.errors import Invalid

MAX_TEMPLATE = 20_000
"""Characters of one template."""
LONGEST_VALUE = 80
"""Characters of a value in a message that follows an approved template; it is one line."""

_FILTERS = frozenset({"default", "d", "lower", "upper", "title", "capitalize", "trim", "truncate", "first", "last"})
"""Filters that cannot make a text much longer, as a chain of `replace` would."""
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.CondExpr,
    nodes.Name,
    nodes.Const,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Concat,
    nodes.Filter,
    nodes.Test,
)
"""No loops, calls, attributes, includes or assignments: a template neither runs for long nor reaches other objects."""


class _Missing(Undefined):
    """A value that the lead does not have: a condition may ask for it, a text may not contain it."""

    __slots__ = ()

    def __str__(self) -> str:
        raise Invalid(f"the template needs {self._undefined_name}, which the lead does not have")

    def __bool__(self) -> bool:
        return False


_environment = ImmutableSandboxedEnvironment(undefined=_Missing, autoescape=False, keep_trailing_newline=True)


def check_template(source: str, where: str) -> None:
    """Raises Invalid, naming the field `where`, for a template with anything but values and conditions."""
    if len(source) > MAX_TEMPLATE:
        raise Invalid("the template is too long", [{"field": where, "message": f"more than {MAX_TEMPLATE} characters"}])
    try:
        tree = _environment.parse(source)
    except (TemplateError, RecursionError) as error:
        raise Invalid("the template cannot be read", [{"field": where, "message": str(error)[:200]}]) from None
    for node in tree.find_all(nodes.Node):
        named = isinstance(node, nodes.Filter) and node.name not in _FILTERS
        if named or not isinstance(node, _ALLOWED):
            what = f"the filter {node.name}" if isinstance(node, nodes.Filter) else type(node).__name__
            wrong = {"field": where, "message": f"{what} is not allowed"}
            raise Invalid("a template may contain only values and conditions", [wrong])


def names_in(source: str) -> set[str]:
    """The names of the values that a (checked) template uses."""
    return set(meta.find_undeclared_variables(_environment.parse(source)))


@dataclass(frozen=True, slots=True)
class ApprovedTemplate:
    """What a person approves in advance. `fields`: the values that may be filled in."""

    channel: str
    subject: str | None
    body: str
    fields: tuple[str, ...]

    def canonical(self) -> str:
        """The RFC 8785 JSON that the hash covers."""
        content = {
            "channel": self.channel,
            "subject": self.subject,
            "body": self.body,
            "fields": list(self.fields),
        }
        return rfc8785.dumps(content).decode()

    @property
    def sha256(self) -> str:
        """The hash in lower-case hex."""
        return sha256(self.canonical().encode()).hexdigest()

    @staticmethod
    def read(canonical: str) -> "ApprovedTemplate":
        """The template in its canonical form."""
        content = orjson.loads(canonical)
        return ApprovedTemplate(content["channel"], content["subject"], content["body"], tuple(content["fields"]))


def fill_in(template: ApprovedTemplate, channel: str, values: Mapping[str, str]) -> tuple[str | None, str]:
    """(subject, body) of a message on that channel. `values`: by name, of the template's fields only.

    Raises Invalid where a value is missing, is no listed field, has more than one line, or is too long.
    """
    for name, value in values.items():
        if name not in template.fields:
            raise Invalid(f"{name} is no field of the template")
        visible = value.replace(BREAK, "")
        if len(visible) > LONGEST_VALUE:
            raise Invalid(f"{name} is longer than {LONGEST_VALUE} characters")
        if not visible.isprintable():
            raise Invalid(f"{name} is more than one line of plain text")
    body = _render(template.body, values).strip()
    if channel == "sms":
        return None, body
    return " ".join(_render(template.subject or "", values).split()), f"{body}\n"


@lru_cache(maxsize=1_000)
def _compiled(source: str) -> Any:
    check_template(source, "template")
    return _environment.from_string(source)


def _render(source: str, values: Mapping[str, str]) -> str:
    try:
        text = str(_compiled(source).render(values))
    except Invalid:
        raise
    except Exception as error:  # noqa: BLE001 - a tenant's template may raise anything
        raise Invalid(f"the template cannot be filled in: {str(error)[:200]}") from None
    if len(text) > MAX_BODY:
        raise Invalid(f"the template makes more than {MAX_BODY} characters")
    return text
