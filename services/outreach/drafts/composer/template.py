"""The composer that needs no network: templates of a strategy, in a sandbox that knows values and conditions only."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import ChainableUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.outreach.drafts.composer import Known, Task, Text
from services.outreach.drafts.composer.claims import check
from services.outreach.sending.message import MAX_BODY
from shared.errors import Invalid

MAX_TEMPLATE = 20_000
_FILTERS = frozenset({"default", "d", "lower", "upper", "title", "capitalize", "trim", "truncate", "first", "last"})
"""None of them makes a text much longer; a chain of `replace` would."""
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
"""No loops, calls, attributes, includes or assignments: a template can neither run away nor look around."""

_MARK = re.compile("[\ue000\ue001]")


class _Cited(str):
    """A value of the lead that leaves a mark in the text, so that its sentence is known."""

    __slots__ = ("name",)
    name: str


def _mark(value: Any) -> Any:
    return f"\ue000{value.name}\ue001{value}\ue000" if isinstance(value, _Cited) else value


_environment = ImmutableSandboxedEnvironment(
    undefined=ChainableUndefined, finalize=_mark, autoescape=False, keep_trailing_newline=True
)


def check_template(source: str, where: str) -> None:
    """Invalid, with the place, when a template is not one of ours: conditions and values only."""
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
            raise Invalid("the template uses what it may not", [{"field": where, "message": f"{what} is not allowed"}])


@lru_cache(maxsize=1_000)
def _compiled(source: str) -> Any:
    check_template(source, "template")
    return _environment.from_string(source)


def plain_value(value: object, limit: int = 200) -> str:
    """A lead's value as it may stand in a message: one line of `limit` characters, no marks, no control characters."""
    text = _MARK.sub("", " ".join(str(value).split()))
    return "".join(character for character in text if character.isprintable())[:limit]


def write(task: Task) -> Text:
    """The message as the strategy's templates say it."""
    parts = task.strategy.templates.get(task.channel)
    if not parts or "body" not in parts:
        raise Invalid(f"strategy {task.strategy.name} has no template for {task.channel}")
    context: dict[str, Any] = {}
    for name, known in task.known.items():
        value = _Cited(plain_value(known.value))
        value.name = name
        context[name] = value if value else None
    context |= {"sender": task.sender, "label": task.label, "reply_subject": task.reply_subject or "Your message"}
    marked = _render(parts["body"], context)
    body = re.sub(r"\n{3,}", "\n\n", _without_marks(marked)).strip() + "\n"
    subject = None
    if task.channel == "email":
        subject = " ".join(_without_marks(_render(parts.get("subject", "{{ reply_subject }}"), context)).split())
    else:
        body = body.strip()
    return Text(
        subject,
        body,
        check(body, _citations(marked, task.known), task.known),
        {"composer": "template", "strategy": task.strategy.name, "facts": facts_used(task.known)},
    )


def facts_used(known: Mapping[str, Known]) -> dict[str, Any]:
    """What a draft was made from, with source and date."""
    return {
        fact.name: {"value": fact.value, "source": fact.source, "at": fact.at.isoformat() if fact.at else None}
        for fact in known.values()
    }


def _render(source: str, context: Mapping[str, Any]) -> str:
    """Invalid for whatever a tenant's template raises on this lead's values, and for a text beyond all bounds."""
    try:
        text = str(_compiled(source).render(context))
    except Invalid:
        raise
    except Exception as error:  # noqa: BLE001 - a tenant's template may raise anything
        raise Invalid(f"the template cannot be filled in: {str(error)[:200]}") from None
    if len(text) > MAX_BODY:
        raise Invalid(f"the template makes more than {MAX_BODY} characters")
    return text


def _without_marks(text: str) -> str:
    return re.sub("\ue000[^\ue000\ue001]*\ue001|\ue000", "", text)


def _citations(marked: str, known: Mapping[str, Known]) -> list[tuple[str, Known]]:
    found = []
    for line in re.split(r"(?<=[.!?])\s+|\n+", marked):
        for name in re.findall("\ue000([^\ue000\ue001]*)\ue001", line):
            if name in known:
                found.append((_without_marks(line), known[name]))
    return found
