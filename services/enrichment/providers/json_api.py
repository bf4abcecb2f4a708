"""The JSON API provider: any API that answers JSON, by configuration: address, headers, and a mapping to facts."""

from datetime import UTC, datetime, timedelta

from services.enrichment.gateways.answer_reader import NotRead
from services.enrichment.gateways.fetcher import FetchFailed
from services.enrichment.providers.provider import ProviderConfig, ProviderFailed
from services.enrichment.providers.tools import REDIRECTS, Tools
from services.enrichment.rules import Finding, Findings, Subject
from services.enrichment.rules.questions import Question, question_for, render

MAX_ANSWER = 256_000
"""Bytes of an answer."""


class JsonApi:
    """Asks by GET, and reads the facts of the mapping from the answer."""

    def __init__(self, config: ProviderConfig, tools: Tools) -> None:
        self.config = config
        self._fetcher = tools.fetcher
        self._documents = tools.documents

    async def ask(self, question: Question) -> Findings:
        try:
            answer = await self._fetcher.get(
                render(self.config.url, question),
                limit=MAX_ANSWER,
                redirects=REDIRECTS,
                headers=self.config.headers,
                accept="application/json",
            )
        except FetchFailed as error:
            raise ProviderFailed(str(error), again=error.again) from None
        if answer.status in (204, 404, 410):
            return {}
        if answer.status in (429, 503) and (wait := answer.retry_after(datetime.now(UTC))) is not None:
            raise ProviderFailed(f"it answers {answer.status}", again=True, wait=timedelta(seconds=wait))
        if answer.status == 429:
            raise ProviderFailed("it answers 429", again=True, wait=timedelta(seconds=60))
        if answer.status in (401, 403):
            raise ProviderFailed(f"it answers {answer.status}: the headers are not accepted")
        if not 200 <= answer.status < 300:
            raise ProviderFailed(f"it answers {answer.status}", again=answer.status >= 500)
        if answer.cut:
            raise ProviderFailed(f"its answer has more than {MAX_ANSWER} bytes")
        try:
            found = await self._documents.read_document(answer.body, self.config.mapping)
        except NotRead as error:
            raise ProviderFailed(str(error)) from None
        return {name: Finding(value, self.config.name, self.config.confidence) for name, value in found.items()}


def question_about(config: ProviderConfig, subject: Subject) -> Question | None:
    """The values that the address contains."""
    return question_for(config.url, subject)
