"""The composer: a language model where one is set and the tenant's budget allows it, the templates otherwise."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import structlog

from services.outreach.drafts.composer import ComposedText, ComposerTask, language_model, template
from services.outreach.drafts.composer.facts import facts_of
from services.outreach.drafts.composer.hints import Hints, read_hints
from services.outreach.drafts.strategies import BUILT_IN
from services.outreach.gateways import LanguageModel, ModelUnavailable
from services.outreach.store import lead_of, model_use
from shared.db import Database, UnitOfWork
from shared.errors import Invalid

log = structlog.get_logger()

_ATTEMPTS = 2


class Composer:
    """Writes texts. `daily_tokens`: the tokens of the language model that a tenant may use in a UTC day."""

    def __init__(self, model: LanguageModel | None, daily_tokens: int) -> None:
        self._model = model
        self._daily_tokens = daily_tokens

    async def write(self, database: Database, task: ComposerTask, tenant: str) -> ComposedText:
        """The text. Where the model fails the templates write it, and `made_from` gives the reason (`fell_back`)."""
        if self._model is None:
            return from_template(task)
        async with database.worker() as work:
            used = await model_use.tokens_today(work, tenant)
        if used >= self._daily_tokens:
            return _fall_back(task, "the tenant's budget of today is used up")
        why = ""
        for _ in range(_ATTEMPTS):
            try:
                answer = await self._model.ask(language_model.messages_for(task))
            except ModelUnavailable as error:
                why = f"the model did not answer: {error}"
                break
            async with database.worker([tenant]) as work:
                await model_use.add(work, tenant, answer.tokens)
            try:
                return language_model.text_from(task, answer.text, self._model.model)
            except language_model.UnusableAnswer as error:
                why = str(error)
            except Exception as error:
                # The answer is a stranger's text: what we did not foresee in it must not cost the draft.
                log.error("composer.answer_not_read", tenant=tenant, kind=task.kind, exc_info=error)
                why = f"the answer could not be read: {type(error).__name__}"
        log.warning("composer.fell_back", tenant=tenant, kind=task.kind, why=why)
        return _fall_back(task, why)


async def not_followed(
    work: UnitOfWork, tenant: str, lead_id: UUID, instruction: str, earlier_hints: Mapping[str, Any] | None = None
) -> list[str]:
    """A sentence for each part of an instruction that the templates cannot follow; none for an unknown lead."""
    lead = await lead_of(work, tenant, lead_id)
    if lead is None:
        return []
    return read_hints(instruction, facts_of(lead), Hints.from_json(earlier_hints)).not_followed


def from_template(task: ComposerTask) -> ComposedText:
    """The text by the tenant's templates; by the built-in ones where those fail on this lead."""
    try:
        return template.write(task)
    except Invalid as error:
        log.warning("composer.template_failed", strategy=task.strategy.name, why=error.detail)
        if (task.strategy.kind, task.strategy.stage) not in BUILT_IN:
            raise
        text = template.write(replace(task, strategy=BUILT_IN[task.strategy.kind, task.strategy.stage]))
        return _with_reason(text, f"{task.strategy.name}: {error.detail}")


def _fall_back(task: ComposerTask, why: str) -> ComposedText:
    return _with_reason(from_template(task), why)


def _with_reason(text: ComposedText, why: str) -> ComposedText:
    reasons = "; ".join(filter(None, (why, text.made_from.get("fell_back"))))
    return replace(text, made_from={**text.made_from, "fell_back": reasons})
