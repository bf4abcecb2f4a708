"""The composer that needs no network: a strategy's templates, in a sandbox that allows only values and conditions."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import ChainableUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.outreach.drafts.composer import ComposedText, ComposerTask, Fact
from services.outreach.drafts.composer.claims import check_claims, split_sentences
from services.outreach.drafts.composer.facts import facts_record
from services.outreach.drafts.composer.hints import Hints, read_hints
from services.outreach.drafts.composer.restyling import mention, restyled
from services.outreach.drafts.composer.sanitiser import MARK_END, MARK_START, plain_value
from services.outreach.sending.message import MAX_BODY
from services.outreach.sending.templates import check_template
from shared.errors import Invalid

_MARKED_NAME = re.compile(f"{MARK_START}([^{MARK_START}{MARK_END}]*){MARK_END}")
_MARKS = re.compile(f"{_MARKED_NAME.pattern}|{MARK_START}")


class _Cited(str):
    """A value of the lead that carries its name into the text, so that its sentence is found."""

    __slots__ = ("name",)
    name: str


def _mark(value: Any) -> Any:
    return f"{MARK_START}{value.name}{MARK_END}{value}{MARK_START}" if isinstance(value, _Cited) else value


_environment = ImmutableSandboxedEnvironment(
    undefined=ChainableUndefined, finalize=_mark, autoescape=False, keep_trailing_newline=True
)


@lru_cache(maxsize=1_000)
def _compiled(source: str) -> Any:
    check_template(source, "template")
    return _environment.from_string(source)


def write(task: ComposerTask) -> ComposedText:
    """The message by the strategy's templates. Raises Invalid when a template is missing or fails on these facts."""
    parts = task.strategy.templates.get(task.channel)
    if not parts or "body" not in parts:
        raise Invalid(f"strategy {task.strategy.name} has no template for {task.channel}")
    context: dict[str, Any] = {}
    for name, fact in task.facts.items():
        value = _Cited(plain_value(fact.value))
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
    read = read_hints(task.instruction, task.facts, Hints.from_json(task.earlier_hints))
    made_from: dict[str, Any] = {"composer": "template", "strategy": task.strategy.name}
    made_from["facts"] = facts_record(task.facts)
    cited = _citations(marked, task.facts)
    if read.hints != Hints():
        body, hints, not_allowed = restyled(body, read.hints, task.kind, task.channel, task.facts)
        made_from["hints"] = hints.to_json()
        read.not_followed.extend(not_allowed)
        cited += [
            (mention(name, task.facts[name].value), task.facts[name])
            for name in read.hints.mention
            if name in task.facts
        ]
    if read.not_followed:
        made_from["not_followed"] = read.not_followed
    claims = check_claims(body, cited, task.facts, task.own_domains, subject)
    return ComposedText(subject, body, claims, made_from)


def _render(source: str, context: Mapping[str, Any]) -> str:
    """The filled-in template. Raises Invalid for anything that it raises on these values, and for a text too long."""
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
    return _MARKS.sub("", text)


def _citations(marked: str, facts: Mapping[str, Fact]) -> list[tuple[str, Fact]]:
    """The sentences of a text with marks, with the facts that they cite."""
    return [
        (_without_marks(sentence), facts[name])
        for sentence in split_sentences(marked)
        for name in _MARKED_NAME.findall(sentence)
        if name in facts
    ]
