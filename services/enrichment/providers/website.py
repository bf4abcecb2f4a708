"""The website provider: what a company says of itself on its own website, for machines and in plain words."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from services.enrichment.gateways.answer_reader import NotRead
from services.enrichment.gateways.fetcher import FetchFailed, NotPermitted, Response
from services.enrichment.providers.provider import ProviderConfig, ProviderFailed
from services.enrichment.providers.tools import REDIRECTS, Tools
from services.enrichment.rules import Finding, Findings, Subject
from services.enrichment.rules.fact_values import clean_text, read_fact
from services.enrichment.rules.pages import MAX_PAGE, Claim
from services.enrichment.rules.questions import Question, placeholders, question_for, render
from services.enrichment.rules.robots import AGENT
from services.enrichment.rules.shared_hosts import is_shared_by_path
from shared.countries import country_code

_HTML = ("text/html", "application/xhtml+xml", "")


class Website:
    """Reads the page that the lead gave as its website, or the first page of its company's domain."""

    def __init__(self, config: ProviderConfig, tools: Tools) -> None:
        self.config = config
        self._tools = tools

    async def ask(self, question: Question) -> Findings:
        answer = await self._first_answer(question)
        if answer.status in (404, 410):
            return {}
        if answer.status != 200:
            raise ProviderFailed(f"the website answers {answer.status}", again=answer.status >= 500)
        if answer.content_type not in _HTML:
            return {}
        try:
            claims = await self._tools.pages.read_page(answer.body, answer.charset)
        except NotRead as error:
            raise ProviderFailed(str(error)) from None
        return self._findings(claims)

    async def _first_answer(self, question: Question) -> Response:
        """Of the address as it is given, or of the domain over https, then http."""
        last = FetchFailed("there is no address")
        for url in addresses_of(self.config, question):
            try:
                return await self._get(url)
            except FetchFailed as error:
                last = error
        raise ProviderFailed(f"the website cannot be fetched: {last}", again=last.again)

    async def _get(self, url: str) -> Response:
        try:
            return await self._tools.fetcher.get(
                url, limit=MAX_PAGE, redirects=REDIRECTS, accept="text/html", permits=self._tools.robots.allows
            )
        except NotPermitted:
            reason = f"the website asks robots not to read this page (robots.txt, for {AGENT} or all)"
            raise ProviderFailed(reason) from None

    def _findings(self, claims: Mapping[str, Claim]) -> Findings:
        findings: Findings = {}
        for name, (value, confidence) in claims.items():
            text = clean_text(value, 500) if name == "company_description" else value
            read = read_fact(name, text, country_code) if name != "company_description" else text
            if read is not None:
                findings[name] = Finding(read, self.config.name, confidence)
        return findings


def question_about(config: ProviderConfig, subject: Subject) -> Question | None:
    """By the configured address if there is one, else the lead's website, else the company's domain."""
    if config.url:
        return question_for(config.url, subject)
    website = (subject.fields.get("website") or "").strip()
    if website and not is_shared_by_path(host_of_address(website)):
        return Question({"website": website[:1_000].rstrip("/")})
    return Question({"company_domain": subject.company_domain}) if subject.company_domain else None


def host_of_address(website: str) -> str:
    """The host of a web address with or without a scheme; '' if there is none."""
    try:
        return urlsplit(website if "://" in website else f"https://{website}").hostname or ""
    except ValueError:
        return ""


def addresses_of(config: ProviderConfig, question: Question) -> Sequence[str]:
    """Where the page may be, in the order in which it is tried."""
    if config.url:
        return [render(config.url, question) if placeholders(config.url) else config.url]
    given = question.values.get("website") or question.values["company_domain"]
    return [given] if "://" in given else [f"https://{given}", f"http://{given}"]
