"""The JSON API provider: any API that answers JSON, by configuration: address, headers, and a mapping to facts."""

from datetime import UTC, datetime, timedelta
from json import JSONDecodeError

from services.enrichment.gateways.fetcher import FetchFailed
from services.enrichment.gateways.reference_data import country_code
from services.enrichment.providers.provider import ProviderConfig, ProviderFailed
from services.enrichment.providers.tools import REDIRECTS, Tools
from services.enrichment.rules import Finding, Findings, Subject
from services.enrichment.rules.fact_values import read_fact
from services.enrichment.rules.mapping import apply_mapping
from services.enrichment.rules.questions import Question, question_for, render
from shared.strict_json import is_too_deep, read_json

MAX_ANSWER = 256_000
"""Bytes of an answer."""


class JsonApi:
    """Asks by GET, and reads the facts of the mapping from the answer."""

    def __init__(self, config: ProviderConfig, tools: Tools) -> None:
        self.config = config
        self._fetcher = tools.fetcher

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
            document = read_json(answer.body)
        except (JSONDecodeError, UnicodeDecodeError):
            raise ProviderFailed("its answer is not JSON") from None
        if is_too_deep(answer.body, document):
            raise ProviderFailed("its answer is nested too deeply")
        return self._findings(document)

    def _findings(self, document: object) -> Findings:
        findings: Findings = {}
        for name, value in apply_mapping(self.config.mapping, document).items():
            if (read := read_fact(name, value, country_code)) is not None:
                findings[name] = Finding(read, self.config.name, self.config.confidence)
        return findings


def question_about(config: ProviderConfig, subject: Subject) -> Question | None:
    """The values that the address contains."""
    return question_for(config.url, subject)
