"""Which questions the facts of leads depend on, and what is known of the answers."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.enrichment.providers.chain import NETWORK, KnownAnswer
from services.enrichment.providers.provider import ProviderConfig, TenantSetup
from services.enrichment.rules import Finding, Findings, Subject
from services.enrichment.rules.questions import Question
from services.enrichment.store import lookups
from services.enrichment.store.lookups import LookupKey
from shared.db import Row, UnitOfWork
from shared.ids import LeadKey


@dataclass(frozen=True, slots=True)
class Asked:
    """One provider's question about one lead, and what is stored of it; no question if the lead lacks a value."""

    config: ProviderConfig
    question: Question | None
    row: Row | None = None

    @property
    def is_unanswered(self) -> bool:
        """Whether there is an answer to wait for."""
        return self.question is not None and not self.config.paused and (self.row is None or not self.row["outcome"])

    def answer(self, *, waited: timedelta | None) -> KnownAnswer:
        """Its place in the chain. `waited`: the lead has waited so long for the answers; None: it did not wait."""
        name, row = self.config.name, self.row
        if row is None or not row["outcome"]:
            if self.is_unanswered and waited is not None:
                return KnownAnswer(name, "timeout", round(waited.total_seconds() * 1_000))
            return KnownAnswer(name, "skipped")
        findings = findings_of(row, name)
        if waited is not None:
            return KnownAnswer(name, row["outcome"], row["ms"] or 0, findings)
        known = bool(findings) or row["outcome"] in ("found", "nothing")
        return KnownAnswer(name, "cached" if known else "skipped", 0, findings)


def findings_of(row: Row, provider: str) -> Findings:
    """The facts of the last answer that was one."""
    return {
        name: Finding(fact["value"], provider, fact["confidence"], row["fetched_at"])
        for name, fact in (row["findings"] or {}).items()
    }


def _questions(setup: TenantSetup, subject: Subject) -> list[Asked]:
    return [
        Asked(config, NETWORK[config.kind].question(config, subject))
        for config in setup.providers
        if config.enabled and config.kind in NETWORK
    ]


async def ask_about(
    work: UnitOfWork,
    leads: Iterable[tuple[LeadKey, Subject]],
    setups: Mapping[str, TenantSetup],
    *,
    stored: Collection[LeadKey],
    again: bool,
) -> dict[LeadKey, list[Asked]]:
    """The questions about these leads, stored so that a worker asks what is not known; with the known answers.

    An answer that has expired is used, and refreshed as bulk work. `again`: ask even what is known.
    """
    asked = {lead: _questions(setups[lead[0]], subject) for lead, subject in leads if setups[lead[0]].providers}
    if not any(asked.values()):
        return {}
    wanted = {key: each for lead, all_of in asked.items() for each in all_of if (key := key_of(lead, each))}
    rows = dict(await lookups.read(work, wanted))
    if missing := {key: each for key, each in wanted.items() if key not in rows and each.question}:
        await lookups.add(
            work,
            {
                key: (each.config.name, each.question.values, each.question.personal)
                for key, each in missing.items()
                if each.question
            },
        )
    if again:
        await lookups.make_due(work, rows)
    elif expired := [key for key, row in rows.items() if _is_expired(row, work.now)]:
        await lookups.refresh(work, expired)
    links = [(lead, key[1], key[2]) for lead, all_of in asked.items() for each in all_of if (key := key_of(lead, each))]
    await lookups.link(work, links, known=[lead for lead in asked if lead in stored])
    return _with_rows(asked, rows)


async def known_answers(
    work: UnitOfWork, leads: Iterable[tuple[LeadKey, Subject]], setups: Mapping[str, TenantSetup]
) -> dict[LeadKey, list[Asked]]:
    """The questions about these leads with the known answers; nothing is stored."""
    asked = {lead: _questions(setups[lead[0]], subject) for lead, subject in leads}
    keys = [key for lead, all_of in asked.items() for each in all_of if (key := key_of(lead, each))]
    return _with_rows(asked, await lookups.read(work, keys) if keys else {})


def key_of(lead: LeadKey, asked: Asked) -> LookupKey | None:
    return (lead[0], asked.config.generation, asked.question.key) if asked.question else None


def _with_rows(asked: Mapping[LeadKey, Sequence[Asked]], rows: Mapping[LookupKey, Row]) -> dict[LeadKey, list[Asked]]:
    return {
        lead: [
            Asked(each.config, each.question, rows.get(key) if (key := key_of(lead, each)) else None) for each in all_of
        ]
        for lead, all_of in asked.items()
    }


def _is_expired(row: Row, now: datetime) -> bool:
    return bool(row["due_at"] is None and row["expires_at"] and row["expires_at"] <= now)
