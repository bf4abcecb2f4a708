"""Asking a language model for the labels that rules and reply model left to humans.

The reply is `other` and published before anybody asks; where the model fails or its answer does not pass, it stays so.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog

from services.outreach.context import Context
from services.outreach.gateways import Answer, ModelUnavailable
from services.outreach.replies import store
from services.outreach.replies.rules.asked_labels import label_in, question_for
from services.outreach.replies.store import asked_replies
from services.outreach.replies.use_cases import labelling
from services.outreach.store import model_use
from shared.db import Database

log = structlog.get_logger()

ACTOR = "agent:language-model"
METHOD = "language_model"
CONFIDENCE = 0.7
"""What is published as the confidence of such a label; the models' own figures say nothing."""
AGAIN = timedelta(minutes=2)
ATTEMPTS = 2
SINCE = timedelta(hours=48)
"""Older replies are not asked about: what follows from a label would come too late."""
_PAGE = 10


class AsksModel(Protocol):
    """A language model that answers within a bounded time, or raises ModelUnavailable."""

    async def ask(self, messages: list[dict[str, str]]) -> Answer: ...


@dataclass(frozen=True, slots=True)
class LabelAsker:
    """A worker: asks for the label of each reply that needs a human, once or twice. `daily_tokens`: of a tenant."""

    context: Context
    model: AsksModel
    daily_tokens: int

    async def step(self, database: Database) -> int:
        """One round: how many replies were asked about."""
        async with database.worker() as work:
            due = await asked_replies.due(work, work.now - SINCE, ATTEMPTS, _PAGE)
        return sum([await self._ask(database, tenant, reply_id) for tenant, reply_id in due])

    async def _ask(self, database: Database, tenant: str, reply_id: UUID) -> bool:
        async with database.worker([tenant]) as work:
            if await model_use.tokens_today(work, tenant) >= self.daily_tokens:
                return False
            reply = await asked_replies.take(work, tenant, reply_id, ATTEMPTS, work.now + AGAIN)
        if reply is None:
            return False
        try:
            answer = await self.model.ask(question_for(reply.text, reply.subject, reply.channel))
        except ModelUnavailable as error:
            log.warning("reply.not_asked", tenant=tenant, reply_id=str(reply_id), why=str(error))
            return True
        asked = label_in(answer.text, reply.text, reply.because)
        async with database.worker([tenant]) as work:
            await model_use.add(work, tenant, answer.tokens)
            if asked is None:
                await asked_replies.leave(work, tenant, reply_id, ATTEMPTS)
                return True
            row = await store.get(work, tenant, reply_id, lock=True)
            if row is None or not row["needs_human"] or row["label"] != "other":
                return True  # a human was quicker
            given = store.GivenLabel(asked.label, METHOD, CONFIDENCE, asked.sentence or None)
            await labelling.relabel(work, self.context.keys, row, given, ACTOR, None)
            self.context.wake_after(work, "composer")
        return True
