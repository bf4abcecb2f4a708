"""Who writes: the language model where one is set and the tenant's budget lasts, the templates otherwise."""

from dataclasses import replace

import structlog

from services.outreach.drafts.composer import Task, Text, model, template
from services.outreach.drafts.gateways import LanguageModel, ModelUnavailable
from services.outreach.drafts.strategies import BUILT_IN
from shared.db import Database
from shared.errors import Invalid

log = structlog.get_logger()


class Composer:
    """The language model where one is set and the tenant's budget lasts; the templates otherwise, and when it fails."""

    def __init__(self, language_model: LanguageModel | None, daily_tokens: int) -> None:
        self._model = language_model
        self._daily_tokens = daily_tokens

    async def write(self, database: Database, task: Task, tenant: str) -> Text:
        """The text. A model's failure is no failure of the draft: the templates write it, and the draft says so."""
        if self._model is None:
            return from_template(task)
        if not await self._budget_left(database, tenant):
            return _fallen_back(task, "the tenant's budget of today is used up")
        why = ""
        for _ in range(2):
            try:
                answer = await self._model.ask(model.messages(task))
            except ModelUnavailable as error:
                why = f"the model did not answer: {error}"
                break
            await self._spend(database, tenant, answer.tokens)
            try:
                return model.read(task, answer.text, self._model.model)
            except model.Unusable as error:
                why = str(error)
        log.warning("composer.fell_back", tenant=tenant, kind=task.kind, why=why)
        return _fallen_back(task, why)

    async def _budget_left(self, database: Database, tenant: str) -> bool:
        async with database.worker() as work:
            row = await work.fetch_one(
                "SELECT tokens FROM llm_use WHERE tenant_id = :tenant AND day = :day",
                tenant=tenant,
                day=work.now.date(),
            )
        return row is None or int(row["tokens"]) < self._daily_tokens

    async def _spend(self, database: Database, tenant: str, tokens: int) -> None:
        async with database.worker([tenant]) as work:
            await work.run(
                """
                INSERT INTO llm_use AS u (tenant_id, day, tokens, requests) VALUES (:tenant, :day, :tokens, 1)
                ON CONFLICT (tenant_id, day)
                DO UPDATE SET tokens = u.tokens + excluded.tokens, requests = u.requests + 1
                """,
                tenant=tenant,
                day=work.now.date(),
                tokens=tokens,
            )


def from_template(task: Task) -> Text:
    """The text by the tenant's templates; by the built-in ones where those fail on this lead, and the draft says so."""
    try:
        return template.write(task)
    except Invalid as error:
        log.warning("composer.template_failed", strategy=task.strategy.name, why=error.detail)
        text = template.write(replace(task, strategy=BUILT_IN[task.strategy.kind, task.strategy.stage]))
        return _because(text, f"{task.strategy.name}: {error.detail}")


def _fallen_back(task: Task, why: str) -> Text:
    return _because(from_template(task), why)


def _because(text: Text, why: str) -> Text:
    reasons = "; ".join(filter(None, (why, text.made_from.get("fell_back"))))
    return replace(text, made_from={**text.made_from, "fell_back": reasons})
